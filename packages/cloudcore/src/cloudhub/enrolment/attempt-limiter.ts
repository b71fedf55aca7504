import type { Clock } from "@skerry/base";

export interface AttemptLimits {
  /** What one address or node may do within {@link windowMs}. */
  readonly maxAttempts: number;
  readonly windowMs: number;
  /** Of these so many are kept in mind; beyond it the one seen longest ago is forgotten. */
  readonly maxKeys: number;
}

/** Slows down who guesses, or asks without end: after some attempts within a time an address or a node has to wait. */
export class AttemptLimiter {
  readonly #clock: Clock;
  readonly #limits: AttemptLimits;
  readonly #attempts = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(clock: Clock, limits: AttemptLimits = { maxAttempts: 10, windowMs: 60_000, maxKeys: 1_000 }) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How long it has to wait; 0 when it need not. */
  waitMs(key: string): number {
    const attempts = this.#current(key);
    if (!attempts || attempts.count < this.#limits.maxAttempts) return 0;
    return attempts.sinceMs + this.#limits.windowMs - this.#clock.monotonicMs();
  }

  count(key: string): void {
    const attempts = this.#current(key) ?? { count: 0, sinceMs: this.#clock.monotonicMs() };
    attempts.count++;
    this.#attempts.delete(key);
    this.#attempts.set(key, attempts);
    for (const oldest of this.#attempts.keys()) {
      if (this.#attempts.size <= this.#limits.maxKeys) break;
      this.#attempts.delete(oldest);
    }
  }

  #current(key: string): { count: number; readonly sinceMs: number } | undefined {
    const attempts = this.#attempts.get(key);
    if (attempts && this.#clock.monotonicMs() - attempts.sinceMs >= this.#limits.windowMs) {
      this.#attempts.delete(key);
      return undefined;
    }
    return attempts;
  }
}
