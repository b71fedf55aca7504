import { describeError, type JsonObject } from "@skerry/base";
import { isUnknownToRuntime } from "./errors.ts";
import type { ContainerRuntime } from "./ports.ts";
import { SyncLoop, type SyncLoopPorts } from "./sync-loop.ts";

const RETRY = { initialMs: 1000, maximumMs: 60_000 };
/** A runtime that has no events is asked again after this: it may be another version by then. */
const ASK_AGAIN_MS = 10 * 60_000;

/** What the events are heard with. */
export interface ContainerEventsPorts extends SyncLoopPorts {
  readonly runtime: Pick<ContainerRuntime, "watchContainers">;
}

/**
 * The runtime's own events, where it has them (containerd from 1.7 on, CRI-O with `enable_pod_events`). They are relied on
 * from the first one that comes until the stream ends, or a change is seen that none has told.
 */
export class ContainerEvents implements AsyncDisposable {
  readonly #ports: ContainerEventsPorts;
  readonly #changed: () => void;
  readonly #loop: SyncLoop;
  readonly #stopping = new AbortController();
  #areTold = false;
  #heard = 0;
  #missed = 0;
  #lastSaid = "";

  /** @param changed called with each event, and when they cease */
  constructor(ports: ContainerEventsPorts, changed: () => void) {
    this.#ports = ports;
    this.#changed = changed;
    this.#loop = new SyncLoop(ports, "Hearing the container runtime's events", RETRY, () => this.#watch());
  }

  /** Whether a change can be expected to be told. */
  get areTold(): boolean {
    return this.#areTold;
  }

  /** Since the start: events that came, and changes that none had told. */
  get counts(): { readonly heard: number; readonly missed: number } {
    return { heard: this.#heard, missed: this.#missed };
  }

  start(): void {
    this.#loop.wake();
  }

  /** A change was seen that no event had told: none are relied on before the next one comes. */
  noteMissed(): void {
    this.#missed++;
    this.#areTold = false;
    this.#ports.logger.debug("A container changed, and the container runtime had not told it", { ...this.counts });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #watch(): Promise<number> {
    const heardBefore = this.#heard;
    let why = "the runtime has ended them";
    try {
      await this.#ports.runtime.watchContainers(() => this.#onEvent(), this.#stopping.signal);
    } catch (error) {
      if (isUnknownToRuntime(error)) return this.#none();
      if (this.#heard === heardBefore || this.#stopping.signal.aborted) throw error;
      why = describeError(error);
    }
    // CRI-O ends a stream at once where its events are switched off.
    if (this.#heard === heardBefore) return this.#none();
    this.#areTold = false;
    this.#say("The container runtime's events have ceased; containers are listed more often until they are back", {
      why,
    });
    this.#changed();
    return RETRY.initialMs;
  }

  #onEvent(): void {
    this.#heard++;
    this.#areTold = true;
    this.#say("The container runtime tells what happens to containers; they are listed only now and then besides");
    this.#changed();
  }

  #none(): number {
    this.#say("The container runtime has no events of containers; they are listed again and again instead");
    return ASK_AGAIN_MS;
  }

  /** Tells only what is news. */
  #say(message: string, fields: JsonObject = {}): void {
    if (message !== this.#lastSaid) this.#ports.logger.info(message, fields);
    this.#lastSaid = message;
  }
}
