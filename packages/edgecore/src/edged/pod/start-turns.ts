import { type Clock, ConcurrencyLimit, sleep, unlessAborted } from "@skerry/base";

/** Pods that start at once: more would not be faster, and each takes memory until its containers run. */
const AT_ONCE = 10;
/** After that a start goes on beside the next ones: a stuck runtime call or a long pull delays its own pod only. */
const LONGEST_TURN_MS = 10_000;

/** Lets pods start a few at a time, in the order they asked. */
export class StartTurns {
  readonly #clock: Clock;
  readonly #places = new ConcurrencyLimit(AT_ONCE);
  readonly #busyChanged: (isBusy: boolean) => void;
  /** Starts that have their turn or wait for it. */
  #count = 0;

  /** @param busyChanged told when the first of several starts comes, and when there is none any more */
  constructor(clock: Clock, busyChanged: (isBusy: boolean) => void = () => undefined) {
    this.#clock = clock;
    this.#busyChanged = busyChanged;
  }

  /** Does the work when it is its turn. @throws the signal's reason when it is aborted before that */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const over = new AbortController();
    if (++this.#count === 1) this.#busyChanged(true);
    void this.#places
      .run(async () => {
        turn.resolve();
        await sleep(this.#clock, LONGEST_TURN_MS, over.signal).catch(() => undefined);
      })
      .finally(() => {
        if (--this.#count === 0) this.#busyChanged(false);
      });
    try {
      await unlessAborted(signal, turn.promise);
      return await work();
    } finally {
      over.abort();
    }
  }
}
