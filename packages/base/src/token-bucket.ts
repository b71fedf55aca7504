/** How much may pass: so many at once, and so many a second for long. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** A rate limit that never refuses: what comes too fast has to wait. */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #filledAtMs: number;

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#filledAtMs = nowMs;
  }

  /** Takes one; returns how long to wait before the next, ms (0: not at all). `nowMs` is monotonic. */
  take(nowMs: number): number {
    const { burst, perSecond } = this.#limit;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledAtMs) * perSecond) / 1000) - 1;
    this.#filledAtMs = nowMs;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / perSecond);
  }
}
