import { type Clock, sleep } from "@skerry/base";

/** How long the rest is after a piece of work, as a multiple of the work's own time. */
const REST_SHARE = 1;
/**
 * The shortest rest. With blocks of 64 KiB at most 4 MB a second are read: a log on its way costs the cloud's processes, the
 * API server's and kubectl as much as the edge's, and there too control has to come first. With 4 ms, 9 MB a second came, and
 * on two cores the slowest of a hundred ConfigMaps took 3.5 times as long as without a log.
 */
const MIN_REST_MS = 16;

/**
 * Takes turns among all logs that are read here, and rests after each block for as long as the work on it took, however
 * many read: the rest is for what must not wait, pods, ConfigMaps, twins. On a machine that is busy a block takes longer, so
 * logs then step back further.
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
