import { type Pod, pods, SYSTEM_NAMESPACE, systemPod, systemPodName, systemPodStatus } from "@skerry/api";
import { type Clock, describeError, type JsonObject, type Logger, type Timer, toKubernetesTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

export interface OwnPodOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The machine's name. */
  readonly machine: string;
}

const CHECK_MS = 30_000;
/** A Kubernetes that knows no node of the machine's name removes its pods; it is not fought. */
const MAX_CREATIONS = 3;

/** Shows CloudCore to the cluster as a pod, and makes it anew when somebody has deleted it. */
export class OwnPod implements AsyncDisposable {
  readonly name: string;
  readonly #options: OwnPodOptions;
  readonly #startTime: string;
  readonly #stopping = new AbortController();
  #creations = 0;
  #timer: Timer | undefined;
  #checking: Promise<void> = Promise.resolve();

  constructor(options: OwnPodOptions) {
    this.#options = options;
    this.name = systemPodName("cloudcore", options.machine);
    this.#startTime = toKubernetesTime(options.clock.now());
  }

  /** Whether the path's pod is this one. */
  matches(namespace: string, name: string): boolean {
    return namespace === SYSTEM_NAMESPACE && name === this.name;
  }

  start(): void {
    this.#checking = this.#check().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted)
        this.#options.logger.warn("CloudCore cannot be shown as a pod; it is tried again", {
          pod: this.name,
          error: describeError(error),
        });
    });
    void this.#checking.then(() => {
      if (!this.#stopping.signal.aborted) this.#timer = this.#options.clock.setTimer(CHECK_MS, () => this.start());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#checking;
  }

  async #check(): Promise<void> {
    const { api, machine } = this.#options;
    const { signal } = this.#stopping;
    const target = { resource: pods, namespace: SYSTEM_NAMESPACE, name: this.name };
    let pod = await this.#get();
    if (pod?.metadata.deletionTimestamp !== undefined) {
      await api.delete(target, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? "" }, signal });
      pod = undefined;
    }
    if (!pod) {
      if (this.#creations >= MAX_CREATIONS) return;
      this.#creations++;
      await api.create<Pod>({ resource: pods, namespace: SYSTEM_NAMESPACE }, systemPod("cloudcore", machine), {
        signal,
      });
    } else if (pod.status?.startTime === this.#startTime) return;
    const status = systemPodStatus("cloudcore", this.#startTime) as unknown as JsonObject;
    await api.patch({ ...target, subresource: "status" }, { type: "merge", body: { status } }, { signal });
  }

  async #get(): Promise<Pod | undefined> {
    const target = { resource: pods, namespace: SYSTEM_NAMESPACE, name: this.name };
    try {
      return await this.#options.api.get<Pod>(target, this.#stopping.signal);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }
}
