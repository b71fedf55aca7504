import type { Random } from "./random.ts";

/** How long to wait between tries. */
export interface RetryPolicy {
  readonly initialMs: number;
  readonly maximumMs: number;
  /** Growth per try. @default 2 */
  readonly factor?: number;
  /** Share of each delay that is random, 0…1. @default 0.2 */
  readonly jitter?: number;
}

/** Exponential back-off with jitter; one instance per retried thing. */
export class RetrySchedule {
  readonly #policy: RetryPolicy;
  readonly #random: Random;
  #attempt = 0;

  constructor(policy: RetryPolicy, random: Random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** Tries since the last success. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The delay before the next try, in milliseconds. */
  nextDelayMs(): number {
    const { initialMs, maximumMs, factor = 2, jitter = 0.2 } = this.#policy;
    const delayMs = Math.min(maximumMs, initialMs * factor ** this.#attempt);
    this.#attempt++;
    return Math.round(delayMs * (1 - jitter + 2 * jitter * this.#random.float()));
  }

  /** Starts over after a success. */
  reset(): void {
    this.#attempt = 0;
  }
}
