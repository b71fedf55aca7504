import type { Clock, Timer } from "@skerry/base";

interface ScheduledEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  /** Only when a livelock is suspected: where it was scheduled. */
  readonly stack: string | undefined;
  cancelled: boolean;
}

/** More events than this in one virtual second mean that some loop never waits. */
const LIVELOCK_EVENTS_PER_SECOND = 20_000;
/** Who looks at the clock so often between two events waits for a time that will not come. */
const LIVELOCK_LOOKS = 200_000;

/**
 * Virtual time and the simulation's one scheduler. Events run in order of time, then of scheduling; between two events
 * all promise reactions settle, so a run is a function of its seed alone.
 */
export class VirtualClock implements Clock {
  readonly #events: ScheduledEvent[] = [];
  readonly #startWallMs: number;
  #nowMs = 0;
  #order = 0;
  /** Events run so far: a seed that takes other steps shows here first. */
  stepCount = 0;
  #secondBeganMs = 0;
  #stepsThisSecond = 0;
  /** At the clock, in this moment. */
  #looks = 0;
  #livelock: Error | undefined;

  constructor(startWallMs: number = Date.UTC(2026, 0, 1)) {
    this.#startWallMs = startWallMs;
  }

  now(): number {
    return this.#startWallMs + Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    if (++this.#looks > LIVELOCK_LOOKS) {
      this.#livelock ??= new Error(`Livelock at ${this.#nowMs} ms of virtual time: a loop never waits`);
      throw this.#livelock;
    }
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const event: ScheduledEvent = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      run: callback,
      stack: this.#stepsThisSecond > LIVELOCK_EVENTS_PER_SECOND / 2 ? new Error("scheduled here").stack : undefined,
      cancelled: false,
    };
    this.#insert(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /** Runs everything that is due within the next `durationMs` of virtual time. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#removeFirst();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.stepCount++;
      this.#checkForLivelock(next);
      this.#looks = 0;
      next.run();
      await settle();
      if (this.#livelock) throw this.#livelock;
    }
    this.#nowMs = untilMs;
  }

  /** Advances in steps until `condition` holds; returns whether it did within `timeoutMs` of virtual time. */
  async advanceUntil(condition: () => boolean, timeoutMs: number, stepMs = 50): Promise<boolean> {
    for (let passedMs = 0; passedMs < timeoutMs; passedMs += stepMs) {
      if (condition()) return true;
      await this.advance(stepMs);
    }
    return condition();
  }

  /** A loop that never waits would keep the world in one moment for ever; whoever scheduled its next turn is named. */
  #checkForLivelock(next: ScheduledEvent): void {
    if (this.#nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = this.#nowMs;
      this.#stepsThisSecond = 0;
    }
    this.#stepsThisSecond++;
    if (this.#stepsThisSecond > LIVELOCK_EVENTS_PER_SECOND)
      throw new Error(`Livelock at ${this.#nowMs} ms of virtual time: a loop never waits; ${next.stack}`);
  }

  /** A binary heap: first by time, then by order of scheduling. */
  #insert(event: ScheduledEvent): void {
    const heap = this.#events;
    heap.push(event);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfBefore(index, parent)) break;
      index = parent;
    }
  }

  #removeFirst(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let smallest = index;
      if (left < heap.length && this.#isBefore(left, smallest)) smallest = left;
      if (right < heap.length && this.#isBefore(right, smallest)) smallest = right;
      if (smallest === index || !this.#swapIfBefore(smallest, index)) return;
      index = smallest;
    }
  }

  #isBefore(first: number, second: number): boolean {
    const a = this.#events[first];
    const b = this.#events[second];
    if (a === undefined || b === undefined) return false;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #swapIfBefore(first: number, second: number): boolean {
    const a = this.#events[first];
    const b = this.#events[second];
    if (a === undefined || b === undefined || !this.#isBefore(first, second)) return false;
    this.#events[first] = b;
    this.#events[second] = a;
    return true;
  }
}

/** Lets every promise reaction that is ready run; a macrotask comes only after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
