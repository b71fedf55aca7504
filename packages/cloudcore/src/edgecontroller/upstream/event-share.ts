import type { Clock } from "@skerry/base";

/** Events that a node may write at once, as when all its pods start. */
const BURST = 1_000;
/** Events per second in the long run. */
const PER_SECOND = 20;
/** Nodes that are kept in mind; beyond it the one seen longest ago begins anew. */
const MAX_NODES = 10_000;

/** How many events each node may still write: one node that floods fills neither the database nor others' time. */
export class EventShare {
  readonly #clock: Clock;
  readonly #left = new Map<string, { readonly count: number; readonly atMs: number }>();
  #droppedCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Events refused so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Takes one event off the node's share; false when nothing is left of it. */
  take(nodeName: string): boolean {
    const atMs = this.#clock.monotonicMs();
    const known = this.#left.get(nodeName) ?? { count: BURST, atMs };
    const count = Math.min(BURST, known.count + ((atMs - known.atMs) / 1000) * PER_SECOND);
    const isLeft = count >= 1;
    if (!isLeft) this.#droppedCount++;
    this.#left.delete(nodeName);
    this.#left.set(nodeName, { count: isLeft ? count - 1 : count, atMs });
    for (const oldest of this.#left.keys()) {
      if (this.#left.size <= MAX_NODES) break;
      this.#left.delete(oldest);
    }
    return isLeft;
  }
}
