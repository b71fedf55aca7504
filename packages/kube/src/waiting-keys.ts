/** Keys that wait, each once: those of the highest priority first, among these in the order in which they came. */
export class WaitingKeys implements Iterable<string> {
  readonly #levels = new Map<number, Set<string>>();
  readonly #priorities = new Map<string, number>();

  get size(): number {
    return this.#priorities.size;
  }

  has(key: string): boolean {
    return this.#priorities.has(key);
  }

  /** A key that waits already keeps its place. */
  add(key: string, priority: number): void {
    if (this.#priorities.has(key)) return;
    this.#priorities.set(key, priority);
    const level = this.#levels.get(priority);
    if (level) level.add(key);
    else this.#levels.set(priority, new Set([key]));
  }

  delete(key: string): void {
    const priority = this.#priorities.get(key);
    if (priority === undefined) return;
    this.#priorities.delete(key);
    const level = this.#levels.get(priority);
    level?.delete(key);
    if (level?.size === 0) this.#levels.delete(priority);
  }

  clear(): void {
    this.#levels.clear();
    this.#priorities.clear();
  }

  /** Keys may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<string, void> {
    const priorities = [...this.#levels.keys()].sort((left, right) => right - left);
    for (const priority of priorities) yield* this.#levels.get(priority) ?? [];
  }
}
