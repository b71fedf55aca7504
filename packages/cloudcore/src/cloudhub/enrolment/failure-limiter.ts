import type { Clock } from "@skerry/base";

export interface FailureLimits {
  /** Failures that one address may have within {@link windowMs}. */
  readonly maxFailures: number;
  readonly windowMs: number;
  /** Addresses that are kept in mind; beyond it the one seen longest ago is forgotten. */
  readonly maxAddresses: number;
}

/** Slows down who guesses: after some failures an address has to wait. */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #limits: FailureLimits;
  readonly #failures = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(clock: Clock, limits: FailureLimits = { maxFailures: 10, windowMs: 60_000, maxAddresses: 1_000 }) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How long the address has to wait; 0 when it need not. */
  waitMs(address: string): number {
    const failures = this.#current(address);
    if (!failures || failures.count < this.#limits.maxFailures) return 0;
    return failures.sinceMs + this.#limits.windowMs - this.#clock.monotonicMs();
  }

  fail(address: string): void {
    const failures = this.#current(address) ?? { count: 0, sinceMs: this.#clock.monotonicMs() };
    failures.count++;
    this.#failures.delete(address);
    this.#failures.set(address, failures);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#limits.maxAddresses) break;
      this.#failures.delete(oldest);
    }
  }

  #current(address: string): { count: number; readonly sinceMs: number } | undefined {
    const failures = this.#failures.get(address);
    if (failures && this.#clock.monotonicMs() - failures.sinceMs >= this.#limits.windowMs) {
      this.#failures.delete(address);
      return undefined;
    }
    return failures;
  }
}
