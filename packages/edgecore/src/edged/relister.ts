import { describeError } from "@skerry/base";
import { runtimeSignature } from "./pod/pod-runtime-state.ts";
import { podUidLabel } from "./pod/runtime-names.ts";
import type { RuntimeContainer, Sandbox } from "./ports.ts";
import type { EdgedPorts } from "./services.ts";
import { SyncLoop } from "./sync-loop.ts";

/** What the runtime has of one pod, as far as a change can be told by. */
export interface ListedPod {
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly signature: string;
}

/** Takes what a listing found. */
export interface RelistObserver {
  /** All pods that the runtime has anything of, by UID. */
  listed(pods: ReadonlyMap<string, ListedPod>): void;
  /** The runtime began or ceased to answer. */
  availabilityChanged(): void;
}

/**
 * Lists the runtime's sandboxes and containers again and again: two cheap calls, whatever the number of pods. The
 * runtime's own events would come sooner, but containerd 1.6 has none in CRI, and a lost event would be a lost change.
 */
export class Relister implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #observer: RelistObserver;
  readonly #loop: SyncLoop;
  #failure: string | undefined;

  constructor(ports: EdgedPorts, observer: RelistObserver) {
    this.#ports = ports;
    this.#observer = observer;
    const retry = { initialMs: ports.config.relistPeriodMs, maximumMs: 5000 };
    this.#loop = new SyncLoop(ports, "Listing the containers", retry, async () => {
      await this.#relist();
      return ports.config.relistPeriodMs;
    });
  }

  /** Why the runtime cannot be listed; undefined when the last listing worked. */
  get failure(): string | undefined {
    return this.#failure;
  }

  start(): void {
    this.#loop.wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loop[Symbol.asyncDispose]();
  }

  async #relist(): Promise<void> {
    const { runtime } = this.#ports;
    let sandboxes: Sandbox[];
    let containers: RuntimeContainer[];
    try {
      [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
      this.#setFailure(undefined);
    } catch (error) {
      this.#setFailure(`container runtime is down: ${describeError(error)}`);
      throw error;
    }
    const parts = new Map<string, (Sandbox | RuntimeContainer)[]>();
    for (const part of [...sandboxes, ...containers]) {
      const uid = part.labels[podUidLabel];
      if (uid === undefined) continue;
      const ofPod = parts.get(uid);
      if (ofPod) ofPod.push(part);
      else parts.set(uid, [part]);
    }
    const pods = new Map<string, ListedPod>();
    for (const [uid, ofPod] of parts)
      pods.set(uid, { uid, labels: ofPod[0]?.labels ?? {}, signature: runtimeSignature(ofPod) });
    this.#observer.listed(pods);
  }

  #setFailure(failure: string | undefined): void {
    const changed = (failure === undefined) !== (this.#failure === undefined);
    this.#failure = failure;
    if (changed) this.#observer.availabilityChanged();
  }
}
