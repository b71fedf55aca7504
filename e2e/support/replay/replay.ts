import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ControlPlaneProcess } from "../control-plane-process.ts";
import { type Ended, run } from "../run.ts";
import { waitUntil } from "../wait-until.ts";
import { type Comparison, compare, type Outcome } from "./compare.ts";
import {
  parseCommand,
  type RecordedCommand,
  type RecordingName,
  readRecording,
  recordedFolder,
} from "./recorded-command.ts";
import { RecordingProxy } from "./recording-proxy.ts";

/** A command of a recording with all that was compared. */
export interface ComparedCommand {
  readonly recording: RecordingName;
  readonly command: string;
  readonly comparisons: readonly Comparison[];
}

/** How long nothing may change before the controllers count as done; what they do is compared only where listed. */
const QUIET_MS = 400;

/** A control plane of its own, in a process as a user starts it, with a recording proxy before it. */
export class ReplayCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #controlPlane: ControlPlaneProcess;
  readonly #proxy: RecordingProxy;

  private constructor(folder: string, controlPlane: ControlPlaneProcess, proxy: RecordingProxy) {
    this.#folder = folder;
    this.#controlPlane = controlPlane;
    this.#proxy = proxy;
  }

  static async start(): Promise<ReplayCluster> {
    const folder = mkdtempSync(join(tmpdir(), "skerry-replay-"));
    const controlPlane = await ControlPlaneProcess.start(folder);
    const credentials = credentialsIn(readFileSync(controlPlane.kubeconfig, "utf8"));
    const proxy = await RecordingProxy.start({ port: await controlPlane.port(), ...credentials });
    writeFileSync(join(folder, "kubeconfig"), proxiedKubeconfig(proxy.url));
    const cluster = new ReplayCluster(folder, controlPlane, proxy);
    // As in the recorded cluster; what else KubeEdge had there is left out of the comparison.
    await cluster.#kubectl(["kubectl", "create", "namespace", "kubeedge"]);
    // kubectl asks once what there is, and remembers it.
    await cluster.#kubectl(["kubectl", "api-resources"]);
    proxy.take();
    return cluster;
  }

  /** Runs a recording's commands one after the other. */
  async replay(recording: RecordingName): Promise<ComparedCommand[]> {
    const result: ComparedCommand[] = [];
    for (const recorded of readRecording(recording)) {
      const outcome = await this.#perform(recorded);
      result.push({ recording, command: recorded.command, comparisons: compare(recorded, outcome) });
      // What only read has given the controllers nothing to do.
      if (outcome.exchanges.some(({ method }) => method !== "GET")) await this.#quiet();
    }
    return result;
  }

  async #perform(recorded: RecordedCommand): Promise<Outcome> {
    const { words } = parseCommand(recorded.command);
    const ended = recorded.exit === null ? await this.#endWhenWatching(words) : await this.#kubectl(words);
    return { exit: ended.status, stdout: ended.stdout, stderr: ended.stderr, exchanges: this.#proxy.take() };
  }

  #kubectl(words: readonly string[]): Promise<Ended> {
    return run(words, { folder: recordedFolder, environment: this.#environment() });
  }

  /** For what does not end by itself: lets it go on until it has been answered. */
  async #endWhenWatching([program = "", ...parameters]: readonly string[]): Promise<Ended> {
    const child = spawn(program, parameters, {
      cwd: recordedFolder,
      env: { ...process.env, ...this.#environment() },
      stdio: "ignore",
    });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await waitUntil(`${parameters.join(" ")} is answered`, async () => this.#proxy.hasAnswer());
    child.kill("SIGKILL");
    await ended;
    return { status: -1, stdout: "", stderr: "" };
  }

  #environment(): Record<string, string> {
    return {
      KUBECONFIG: join(this.#folder, "kubeconfig"),
      HOME: this.#folder,
      KUBECACHEDIR: join(this.#folder, "cache"),
    };
  }

  /** Waits until the controllers have done what the last command gave them to do. */
  async #quiet(): Promise<void> {
    let [before, since] = ["", performance.now()];
    await waitUntil("the controllers are done", async () => {
      const { stdout } = await this.#revision();
      if (stdout !== before) [before, since] = [stdout, performance.now()];
      else if (performance.now() - since > QUIET_MS) return true;
      await delay(50);
      return false;
    });
    this.#proxy.take();
  }

  async #revision(): Promise<{ stdout: string }> {
    const response = await fetch(`${this.#proxy.url}/api/v1/namespaces?limit=1`);
    const list = (await response.json()) as { metadata: { resourceVersion: string } };
    return { stdout: list.metadata.resourceVersion };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#controlPlane[Symbol.asyncDispose]();
    await this.#proxy[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function credentialsIn(kubeconfig: string): { ca: string; cert: string; key: string } {
  const data = (name: string): string =>
    Buffer.from(new RegExp(`${name}: (\\S+)`).exec(kubeconfig)?.[1] ?? "", "base64").toString();
  return {
    ca: data("certificate-authority-data"),
    cert: data("client-certificate-data"),
    key: data("client-key-data"),
  };
}

/** The recordings were made over plain HTTP too. */
function proxiedKubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "replay", cluster: { server } }],
    users: [{ name: "replay", user: {} }],
    contexts: [{ name: "replay", context: { cluster: "replay", user: "replay" } }],
    "current-context": "replay",
  });
}
