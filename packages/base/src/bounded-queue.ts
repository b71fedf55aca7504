/** What a full queue does with one more item. */
export type OverflowPolicy = "drop-oldest" | "reject-newest";

/**
 * A first-in first-out queue with a limit. Every drop is counted, so that a limit that was met is never hidden.
 */
export class BoundedQueue<T> {
  readonly #items: T[] = [];
  readonly #limit: number;
  readonly #policy: OverflowPolicy;
  #droppedCount = 0;

  constructor(limit: number, policy: OverflowPolicy) {
    this.#limit = limit;
    this.#policy = policy;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Items lost to the limit so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Adds an item; returns whether this very item is now in the queue. */
  push(item: T): boolean {
    if (this.#items.length >= this.#limit) {
      this.#droppedCount++;
      if (this.#policy === "reject-newest") return false;
      this.#items.shift();
    }
    this.#items.push(item);
    return true;
  }

  shift(): T | undefined {
    return this.#items.shift();
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  clear(): void {
    this.#items.length = 0;
  }
}
