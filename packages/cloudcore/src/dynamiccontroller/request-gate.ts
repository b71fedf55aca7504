/** How much of one node's MetaServer is worked at, at once. */
const MAX_RUNNING = 4;
const MAX_WAITING = 64;
/** Length of all that waits; one request alone may be longer. */
const MAX_WAITING_LENGTH = 4 * 1024 * 1024;

interface Waiting {
  readonly work: () => Promise<void>;
  readonly length: number;
}

/** Lets some requests of a node run at a time and a few more wait; further ones are turned away. */
export class RequestGate {
  readonly #waiting: Waiting[] = [];
  #waitingLength = 0;
  #runningCount = 0;

  /** Runs the work when it is its turn; false: too many wait, or too long ones. The work must not throw. */
  offer(work: () => Promise<void>, length: number): boolean {
    const isMuch = this.#waiting.length > 0 && this.#waitingLength + length > MAX_WAITING_LENGTH;
    if (isMuch || this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push({ work, length });
    this.#waitingLength += length;
    this.#next();
    return true;
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#waiting.length = 0;
    this.#waitingLength = 0;
  }

  #next(): void {
    if (this.#runningCount >= MAX_RUNNING) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#waitingLength -= next.length;
    this.#runningCount++;
    void next.work().finally(() => {
      this.#runningCount--;
      this.#next();
    });
  }
}
