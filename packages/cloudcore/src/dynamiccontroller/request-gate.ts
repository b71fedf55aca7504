/** How much of one node's MetaServer is worked at, at once. */
const MAX_RUNNING = 8;
const MAX_WAITING = 64;

/** Lets some requests of a node run at a time and a few more wait; further ones are turned away. */
export class RequestGate {
  readonly #waiting: (() => Promise<void>)[] = [];
  #runningCount = 0;

  /** Runs the work when it is its turn; false: too many wait. The work must not throw. */
  offer(work: () => Promise<void>): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(work);
    this.#next();
    return true;
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#waiting.length = 0;
  }

  #next(): void {
    if (this.#runningCount >= MAX_RUNNING) return;
    const work = this.#waiting.shift();
    if (!work) return;
    this.#runningCount++;
    void work().finally(() => {
      this.#runningCount--;
      this.#next();
    });
  }
}
