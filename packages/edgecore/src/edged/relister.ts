import { describeError, type Timer } from "@skerry/base";
import { ContainerEvents } from "./container-events.ts";
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

/** From a listing's end to the next: events that come together are one, and a slow runtime has its rest from them. */
const SHORTEST_PAUSE_MS = 200;

/**
 * Lists the runtime's sandboxes and containers: two cheap calls, whatever the number of pods. With each event of the
 * runtime, where it has them, and besides again and again: a lost event would be a lost change, and containerd 1.6 has none.
 */
export class Relister implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #observer: RelistObserver;
  readonly #loop: SyncLoop;
  readonly #events: ContainerEvents;
  #failure: string | undefined;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #isListing = false;
  /** Whether one is wanted after the one under way. */
  #isAgainWanted = false;
  /** Set while a listing waits because the last one was a moment ago. */
  #soon: Timer | undefined;
  /** What the last listing showed, and how many events had come before it. */
  #last: { readonly pods: ReadonlyMap<string, ListedPod>; readonly heard: number } | undefined;

  constructor(ports: EdgedPorts, observer: RelistObserver) {
    this.#ports = ports;
    this.#observer = observer;
    this.#events = new ContainerEvents(ports, () => this.#listSoon());
    const { relistPeriodMs, relistPeriodWithEventsMs } = ports.config;
    const retry = { initialMs: relistPeriodMs, maximumMs: 5000 };
    this.#loop = new SyncLoop(ports, "Listing the containers", retry, async () => {
      this.#isListing = true;
      try {
        await this.#relist();
      } finally {
        this.#isListing = false;
        this.#listedAtMs = ports.clock.monotonicMs();
        if (this.#isAgainWanted) this.#listSoon();
        this.#isAgainWanted = false;
      }
      return this.#events.areTold ? Math.max(relistPeriodMs, relistPeriodWithEventsMs) : relistPeriodMs;
    });
  }

  /** Why the runtime cannot be listed; undefined when the last listing worked. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Events of the runtime since the start, and changes that none had told. */
  get eventCounts(): ContainerEvents["counts"] {
    return this.#events.counts;
  }

  start(): void {
    this.#loop.wake();
    this.#events.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
    await this.#loop[Symbol.asyncDispose]();
    this.#soon?.cancel();
  }

  #listSoon(): void {
    if (this.#isListing) this.#isAgainWanted = true;
    if (this.#isListing || this.#soon) return;
    const { clock } = this.#ports;
    const pauseMs = this.#listedAtMs + SHORTEST_PAUSE_MS - clock.monotonicMs();
    if (pauseMs <= 0) {
      this.#loop.wake();
      return;
    }
    this.#soon = clock.setTimer(pauseMs, () => {
      this.#soon = undefined;
      this.#listSoon();
    });
  }

  async #relist(): Promise<void> {
    const { runtime } = this.#ports;
    const { heard } = this.#events.counts;
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
    const last = this.#last;
    this.#last = { pods, heard };
    if (this.#events.areTold && last?.heard === heard && !isSame(last.pods, pods)) this.#events.noteMissed();
    this.#observer.listed(pods);
  }

  #setFailure(failure: string | undefined): void {
    const changed = (failure === undefined) !== (this.#failure === undefined);
    this.#failure = failure;
    if (changed) this.#observer.availabilityChanged();
  }
}

function isSame(before: ReadonlyMap<string, ListedPod>, now: ReadonlyMap<string, ListedPod>): boolean {
  return before.size === now.size && [...now].every(([uid, { signature }]) => before.get(uid)?.signature === signature);
}
