/**
 * Runs at most so many works at once; the others wait in the order they were asked for, but every second one that gets its
 * turn is an urgent one, while there are any. Whoever asks bounds how many wait: with one work each, as many as there are
 * askers.
 */
export class ConcurrencyLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  readonly #urgent: (() => void)[] = [];
  #isUrgentsTurn = true;
  #running = 0;

  /** @param most works at once, at least 1 */
  constructor(most: number) {
    this.#most = most;
  }

  /** Works that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length + this.#urgent.length;
  }

  async run<T>(work: () => Promise<T>, isUrgent = false): Promise<T> {
    const queue = isUrgent ? this.#urgent : this.#waiting;
    if (this.#running >= this.#most) await new Promise<void>((resolve) => queue.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The next one takes over this one's place.
      const next = this.#next();
      if (next) next();
      else this.#running--;
    }
  }

  #next(): (() => void) | undefined {
    const [first, second] = this.#isUrgentsTurn ? [this.#urgent, this.#waiting] : [this.#waiting, this.#urgent];
    this.#isUrgentsTurn = !this.#isUrgentsTurn;
    return first.shift() ?? second.shift();
  }
}
