import type { Clock, Timer } from "@skerry/base";

/**
 * The life of one simulated process. After `kill` none of its timers fires and nothing it waits for arrives, so its
 * code stands still for ever, in the middle of whatever it did: as after `kill -9`.
 */
export class ProcessLife {
  readonly clock: Clock;
  #alive = true;

  constructor(clock: Clock) {
    this.clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, callback): Timer =>
        clock.setTimer(delayMs, () => {
          if (this.#alive) callback();
        }),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
  }

  /** Settles as `work` does while the process lives; never afterwards. */
  whileAlive<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => {
          if (this.#alive) resolve(value);
        },
        (error: unknown) => {
          if (this.#alive) reject(error);
        },
      );
    });
  }
}
