/** What a state message from a node's outbox is to the cloud. */
export type ReceiptVerdict =
  /** Not seen yet, or worth another try. */
  | "new"
  /** Being handled; its answer is on the way. */
  | "pending"
  /** Done before; only the answer was lost. */
  | "done";

const ID = /^outbox:([0-9a-f-]{36}):([0-9]{1,19})$/;

/**
 * The id of a message from the outbox: the stream is named by the EdgeCore process, the sequence is the entry's, never
 * used twice in it. However often the process sends the entry, its id is the same.
 */
export function outboxMessageId(stream: string, sequence: number): string {
  return `outbox:${stream}:${sequence}`;
}

/** Whether the id is one that {@link outboxMessageId} makes. */
export function isOutboxMessageId(messageId: string): boolean {
  return ID.test(messageId);
}

/**
 * What the cloud has taken from one node's outbox, over all its sessions, so that what is sent again because an answer
 * was lost is not done twice. Pure; bounded: the oldest are forgotten, and then a state is only written once more.
 */
export class OutboxReceipts {
  readonly #limit: number;
  readonly #patienceMs: number;
  /** Undefined: done; otherwise since when it is being handled. */
  readonly #receipts = new Map<string, number | undefined>();
  #duplicateCount = 0;

  /** After `patienceMs` without an answer a message may be handled again. */
  constructor(limit: number = 64, patienceMs: number = 30_000) {
    this.#limit = limit;
    this.#patienceMs = patienceMs;
  }

  get size(): number {
    return this.#receipts.size;
  }

  get duplicateCount(): number {
    return this.#duplicateCount;
  }

  /** A new session: what the older one had begun with may never be answered. */
  sessionBegins(): void {
    for (const [id, sinceMs] of this.#receipts) if (sinceMs !== undefined) this.#receipts.delete(id);
  }

  /** A message came. */
  receive(messageId: string, nowMs: number): ReceiptVerdict {
    if (this.#receipts.has(messageId)) {
      const sinceMs = this.#receipts.get(messageId);
      if (sinceMs === undefined || nowMs - sinceMs < this.#patienceMs) {
        this.#duplicateCount++;
        return sinceMs === undefined ? "done" : "pending";
      }
    }
    this.#note(messageId, nowMs);
    return "new";
  }

  /** It was answered. A failure is forgotten: the node tries again, and then it is to be done. */
  answer(messageId: string, succeeded: boolean): void {
    if (succeeded) this.#note(messageId, undefined);
    else this.#receipts.delete(messageId);
  }

  #note(messageId: string, sinceMs: number | undefined): void {
    this.#receipts.delete(messageId);
    this.#receipts.set(messageId, sinceMs);
    for (const oldest of this.#receipts.keys()) {
      if (this.#receipts.size <= this.#limit) break;
      this.#receipts.delete(oldest);
    }
  }
}
