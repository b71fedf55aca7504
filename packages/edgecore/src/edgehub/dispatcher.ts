import { describeError, disposable, type Logger } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { DownstreamHandler } from "./cloud-link.ts";
import { concurrencyOf, type DownstreamTarget, targetOf } from "./downstream-target.ts";

/** Messages taken from the network but not handled yet, over all modules, before reading stops. */
const PAUSE_AT = 64;
const RESUME_AT = 16;

interface Lane {
  readonly handler: DownstreamHandler;
  readonly concurrency: number;
  readonly waiting: Message[];
  runningCount: number;
}

/**
 * Hands messages to the modules, in order for each module. A slow module makes the reader pause: nothing is dropped
 * (wire.md 18, W14). What was received before a session ended is still handled.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #lanes = new Map<DownstreamTarget, Lane>();
  readonly #setPaused: (paused: boolean) => void;
  #openCount = 0;
  #paused = false;
  #unroutedCount = 0;
  #whenIdle: (() => void) | undefined;

  /** `setPaused` stops and resumes reading from the network. */
  constructor(logger: Logger, setPaused: (paused: boolean) => void) {
    this.#logger = logger;
    this.#setPaused = setPaused;
  }

  /** Messages that no module took. */
  get unroutedCount(): number {
    return this.#unroutedCount;
  }

  get paused(): boolean {
    return this.#paused;
  }

  register(target: DownstreamTarget, handler: DownstreamHandler): Disposable {
    this.#lanes.set(target, { handler, concurrency: concurrencyOf(target), waiting: [], runningCount: 0 });
    return disposable(() => this.#lanes.delete(target));
  }

  dispatch(message: Message): void {
    const target = targetOf(message);
    const lane = target && this.#lanes.get(target);
    if (!lane) {
      this.#unroutedCount++;
      this.#logger.debug("A message from the cloud is for no module of this node", { ...message.route });
      return;
    }
    this.#openCount++;
    lane.waiting.push(message);
    this.#run(lane);
    if (!this.#paused && this.#openCount >= PAUSE_AT) {
      this.#paused = true;
      this.#setPaused(true);
    }
  }

  /** Waits until what was taken is handled. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#openCount === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #run(lane: Lane): void {
    while (lane.runningCount < lane.concurrency) {
      const message = lane.waiting.shift();
      if (!message) return;
      lane.runningCount++;
      void this.#handle(lane, message);
    }
  }

  async #handle(lane: Lane, message: Message): Promise<void> {
    try {
      await lane.handler.handle(message);
    } catch (error) {
      this.#logger.error("A message from the cloud could not be handled", {
        error: describeError(error),
        ...message.route,
      });
    }
    lane.runningCount--;
    this.#openCount--;
    this.#run(lane);
    if (this.#paused && this.#openCount <= RESUME_AT) {
      this.#paused = false;
      this.#setPaused(false);
    }
    if (this.#openCount === 0) this.#whenIdle?.();
  }
}
