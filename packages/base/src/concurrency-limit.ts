/**
 * Runs at most so many works at once; the others wait in the order they were asked for. Whoever asks bounds how many wait:
 * with one work each, as many as there are askers.
 */
export class ConcurrencyLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param most works at once, at least 1 */
  constructor(most: number) {
    this.#most = most;
  }

  /** Works that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // The next one takes over this one's place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
