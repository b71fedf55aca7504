import type { Clock, Timer } from "@skerry/base";

/** A machine's clock: time passes as everywhere, but its hands may be set wrong. */
export class SettableClock implements Clock {
  readonly #true: Clock;
  /** Since when, in true time, the hands are so far off; in order. */
  readonly #offsets: { readonly sinceMs: number; readonly offsetMs: number }[] = [];

  constructor(trueClock: Clock) {
    this.#true = trueClock;
    this.set(0);
  }

  now(): number {
    return this.#true.now() + (this.#offsets.at(-1)?.offsetMs ?? 0);
  }

  monotonicMs(): number {
    return this.#true.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#true.setTimer(delayMs, callback);
  }

  /** The hands are set to so much before or after the true time. */
  set(offsetMs: number): void {
    this.#offsets.push({ sinceMs: this.#true.now(), offsetMs });
  }

  /** When it really was that the hands showed this; the latest such moment, as they may have shown it more than once. */
  trueTimeOf(shownMs: number): number {
    const found = this.#offsets.findLast(({ sinceMs, offsetMs }, index) => {
      const endMs = this.#offsets[index + 1]?.sinceMs ?? this.#true.now();
      const atMs = shownMs - offsetMs;
      return atMs >= sinceMs && atMs <= endMs;
    });
    return shownMs - (found?.offsetMs ?? 0);
  }
}
