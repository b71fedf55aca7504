import { type Clock, type RateLimit, type Timer, TokenBucket } from "@skerry/base";

/**
 * Messages of one node that are handled, each of which may ask the API server: a restarted node with hundreds of pods
 * has its burst, but no node takes more than some ten per cent of a core for long.
 */
export const HANDLING_RATE: RateLimit = { burst: 2_000, perSecond: 50 };

/** The pace at which a node's messages are handled; those that come faster wait, and then nothing more is read. */
export class HandlingPace implements Disposable {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #waiting: { readonly timer: Timer; readonly resolve: () => void } | undefined;
  #pausedCount = 0;

  constructor(clock: Clock, rate: RateLimit) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(rate, clock.monotonicMs());
  }

  /** How many messages had to wait. */
  get pausedCount(): number {
    return this.#pausedCount;
  }

  /** Resolves when the next message may be handled; at once when disposed. Undefined: now. */
  next(): Promise<void> | undefined {
    const waitMs = this.#bucket.take(this.#clock.monotonicMs());
    if (waitMs === 0) return undefined;
    this.#pausedCount++;
    return new Promise((resolve) => {
      this.#waiting = { timer: this.#clock.setTimer(waitMs, resolve), resolve };
    });
  }

  [Symbol.dispose](): void {
    this.#waiting?.timer.cancel();
    this.#waiting?.resolve();
  }
}
