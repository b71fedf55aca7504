import type { Clock, Timer } from "@skerry/base";

/** A clock that stands still until a test moves it on. */
export class ManualClock implements Clock {
  #nowMs: number;
  #timers: { readonly dueMs: number; readonly order: number; readonly callback: () => void }[] = [];
  #count = 0;

  /** @param startMs wall clock and monotonic time at the start */
  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#count++, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Lets all work that needs no time finish. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time on, firing timers in order and letting their work finish in between. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await this.settle();
    for (;;) {
      const next = this.#timers
        .filter(({ dueMs }) => dueMs <= endMs)
        .sort((left, right) => left.dueMs - right.dueMs || left.order - right.order)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
      await this.settle();
    }
    this.#nowMs = endMs;
  }
}
