import { setTimeout as delay } from "node:timers/promises";
import { HttpsKubernetesApi, loadKubeconfig } from "@skerry/kube/platform";
import { ControlPlaneProcess } from "../control-plane-process.ts";

/** One run of the server, from its start to its end. */
interface Run {
  readonly process: ControlPlaneProcess;
  readonly api: HttpsKubernetesApi;
}

/** A control plane that is killed and started again on the same data. */
export class KilledServer implements AsyncDisposable {
  readonly #folder: string;
  #run: Promise<Run>;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#run = this.#start();
  }

  static async start(folder: string): Promise<KilledServer> {
    const server = new KilledServer(folder);
    await server.api();
    return server;
  }

  /** A client of the run that is there, or of the next one. */
  async api(): Promise<HttpsKubernetesApi> {
    return (await this.#run).api;
  }

  /**
   * Kills it, and its successors while they start: after each of the delays, in milliseconds. From here on `api()` waits
   * for the run after those.
   */
  async kill(startDelaysMs: readonly number[]): Promise<void> {
    const killed = await this.#run;
    const next = (async () => {
      await killed.process.kill();
      killed.api[Symbol.dispose]();
      for (const delayMs of startDelaysMs) {
        const starting = ControlPlaneProcess.spawn(this.#folder);
        await delay(delayMs);
        await starting.kill();
      }
      return this.#start();
    })();
    this.#run = next;
    await next;
  }

  async #start(): Promise<Run> {
    const process = await ControlPlaneProcess.start(this.#folder);
    return { process, api: new HttpsKubernetesApi(await loadKubeconfig(process.kubeconfig)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process, api } = await this.#run;
    api[Symbol.dispose]();
    await process[Symbol.asyncDispose]();
  }
}
