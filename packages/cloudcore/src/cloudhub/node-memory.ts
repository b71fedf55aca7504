import { OutboxReceipts, TrafficMeter } from "@skerry/link";

/** What this CloudCore remembers of a node over all its sessions. */
export interface NodeMemory {
  /** What was taken from the node's outbox. */
  readonly receipts: OutboxReceipts;
  readonly traffic: TrafficMeter;
  /** How its last session ended; undefined before the first end. Wall clock in ms. */
  lastEnd: { readonly atMs: number; readonly reason: string } | undefined;
}

/** The nodes' memories; at the limit those of the nodes that connected longest ago are forgotten. */
export class NodeMemories {
  readonly #limit: number;
  readonly #memories = new Map<string, NodeMemory>();
  #forgottenCount = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get forgottenCount(): number {
    return this.#forgottenCount;
  }

  /** The memory of a node; undefined when it never connected, or was forgotten. */
  get(nodeName: string): NodeMemory | undefined {
    return this.#memories.get(nodeName);
  }

  /** The memory of a node that has just connected. `nowMs` is monotonic. */
  connected(nodeName: string, nowMs: number): NodeMemory {
    const memory = this.#memories.get(nodeName) ?? {
      receipts: new OutboxReceipts(),
      traffic: new TrafficMeter(nowMs),
      lastEnd: undefined,
    };
    this.#memories.delete(nodeName);
    this.#memories.set(nodeName, memory);
    for (const oldest of this.#memories.keys()) {
      if (this.#memories.size <= this.#limit) break;
      this.#memories.delete(oldest);
      this.#forgottenCount++;
    }
    return memory;
  }
}
