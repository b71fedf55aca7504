import { type Clock, sleep } from "@skerry/base";

/** How long the rest is after a piece of work, as a multiple of the work's own time. */
const REST_SHARE = 1;
/** The shortest rest: what came from the network meanwhile is handled in it. */
const MIN_REST_MS = 1;

/**
 * Takes turns among all logs that are read here, and lets the process rest after each block for as long as the block took:
 * reading logs takes at most half of the process, however many read. The other half is for what must not wait: pods,
 * ConfigMaps, twins. On a machine that is busy a block takes longer, so logs then step back further.
 */
export class LogPace {
  readonly #clock: Clock;
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does the work when its turn has come. */
  run<T>(work: () => T): Promise<T> {
    let restMs = MIN_REST_MS;
    const done = this.#turn.then(() => {
      const beganMs = this.#clock.monotonicMs();
      const result = work();
      restMs = Math.max(MIN_REST_MS, REST_SHARE * (this.#clock.monotonicMs() - beganMs));
      return result;
    });
    this.#turn = done.then(
      () => sleep(this.#clock, restMs),
      () => undefined,
    );
    return done;
  }
}
