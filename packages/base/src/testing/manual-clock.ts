import type { Clock, Timer } from "../clock.ts";

interface PendingTimer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that a test moves. Between two timers all promise reactions settle. */
export class ManualClock implements Clock {
  #startWallMs: number;
  readonly #timers = new Set<PendingTimer>();
  #nowMs = 0;

  constructor(startWallMs: number = Date.UTC(2026, 0, 1)) {
    this.#startWallMs = startWallMs;
  }

  now(): number {
    return this.#startWallMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: PendingTimer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Somebody sets the machine's clock; elapsed time goes on as before. */
  jumpWallClock(byMs: number): void {
    this.#startWallMs += byMs;
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Lets all work that needs no time finish. */
  settle(): Promise<void> {
    return settle();
  }

  /** Moves on, running what falls due in order of time, then of setting. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      let next: PendingTimer | undefined;
      for (const timer of this.#timers)
        if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets everything run that is ready: promise reactions, and commits that the database has put off to the next turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
