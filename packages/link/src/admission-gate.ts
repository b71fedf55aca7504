/** Whether a new session may be opened now. */
export type Admission =
  | { readonly kind: "admitted" }
  /** Not now; the node is to come again after that time. */
  | { readonly kind: "busy"; readonly retryAfterMs: number; readonly reason: string };

/** Says whether a node's connection is let in; asked before its session opens. */
export type Admit = (nodeName: string) => Admission;

export interface AdmissionLimits {
  /** Sessions that may open each second, in the long run. */
  readonly perSecond: number;
  /** Sessions that may open at once after a quiet time. */
  readonly burst: number;
  /** Nobody is sent away for longer. */
  readonly maxRetryAfterMs: number;
}

/** A session costs CloudCore some milliseconds; a fleet that comes back after an outage is led in evenly. */
export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = { perSecond: 200, burst: 1_000, maxRetryAfterMs: 30_000 };

/**
 * Lets sessions in at a bounded rate; pure. Who comes too early is told a time of its own, one after another, so that a
 * thousand nodes sent away do not come back together.
 */
export class AdmissionGate {
  readonly #limits: AdmissionLimits;
  #tokens: number;
  #refilledMs: number;
  /** Until when those who were sent away have been promised a turn. */
  #promisedUntilMs = Number.NEGATIVE_INFINITY;
  #refusedCount = 0;

  /** `nowMs` and those of the methods are monotonic. */
  constructor(nowMs: number, limits: AdmissionLimits = DEFAULT_ADMISSION_LIMITS) {
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#refilledMs = nowMs;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  admit(nowMs: number): Admission {
    const { perSecond, burst } = this.#limits;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#refilledMs) * perSecond) / 1000);
    this.#refilledMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens--;
      return { kind: "admitted" };
    }
    return this.refuse(nowMs, `more than ${perSecond} nodes a second want to connect`);
  }

  /** Sends somebody away for another reason, with a time of its own as well. */
  refuse(nowMs: number, reason: string): Admission {
    const { perSecond, maxRetryAfterMs } = this.#limits;
    this.#refusedCount++;
    this.#promisedUntilMs = Math.max(this.#promisedUntilMs, nowMs + 1000) + 1000 / perSecond;
    // Beyond the longest time the turns begin again, or the last ones would all be told the same.
    if (this.#promisedUntilMs > nowMs + maxRetryAfterMs) this.#promisedUntilMs = nowMs + 1000;
    return { kind: "busy", retryAfterMs: Math.ceil(this.#promisedUntilMs - nowMs), reason };
  }
}
