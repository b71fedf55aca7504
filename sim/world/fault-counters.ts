/** How often each kind of fault happened in a run; a kind at zero over all seeds means the model does not reach it. */
export class FaultCounters {
  readonly #counts = new Map<string, number>();

  count(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Kinds in alphabetical order. */
  entries(): [string, number][] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  addAll(other: FaultCounters): void {
    for (const [kind, count] of other.entries()) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }
}
