import type { JsonValue } from "@skerry/base";
import type { Reader, Row, Transaction } from "@skerry/store";
import { outboxEntryTooLarge, outboxFull } from "./errors.ts";
import type { Outbox, OutboxEntry } from "./meta-store.ts";

/** How much may wait for the cloud. */
export interface OutboxLimits {
  /** Entries that the cloud answers: one more is refused with `META_OUTBOX_FULL`. */
  readonly answeredEntries: number;
  /** Events, and entries that no cloud answers (MQTT uploads): one more drops the oldest. */
  readonly unansweredEntries: number;
  readonly entryBytes: number;
}

export const defaultOutboxLimits: OutboxLimits = {
  answeredEntries: 10_000,
  unansweredEntries: 1000,
  entryBytes: 1024 * 1024,
};

/** An entry in the line, with what identifies this very content. */
export interface QueuedEntry extends OutboxEntry {
  readonly revision: number;
  /** Whether KubeEdge's cloud answers it; one that the cloud does not answer leaves when it was sent. */
  readonly answered: boolean;
}

/** Events (U21); of what else is not answered nothing is of this group. */
const IS_EVENT = "answered = 0 AND message_group = 'meta'";
const COLUMNS = "revision, key, answered, source, message_group, operation, resource, content";

/** The {@link Outbox} in its table. Everything runs in the caller's transaction. */
export class OutboxTable implements Outbox {
  readonly #limits: OutboxLimits;
  readonly #onPut: () => void;
  #droppedCount = 0;

  /** `onPut` is called within the transaction: the entry is not committed yet. */
  constructor(limits: OutboxLimits, onPut: () => void) {
    this.#limits = limits;
    this.#onPut = onPut;
  }

  /** Unanswered entries lost to their limit since the start. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** @throws SkerryError `META_OUTBOX_FULL`, `META_OUTBOX_ENTRY_TOO_LARGE` */
  put(transaction: Transaction, entry: OutboxEntry): void {
    const content = JSON.stringify(entry.content);
    const sizeBytes = Buffer.byteLength(content);
    if (sizeBytes > this.#limits.entryBytes) throw outboxEntryTooLarge(entry.key, sizeBytes, this.#limits.entryBytes);
    const answered = isAnswered(entry);
    const replaced = transaction.first("SELECT position FROM outbox WHERE key = ?", entry.key);
    if (replaced) transaction.run("DELETE FROM outbox WHERE key = ?", entry.key);
    else this.#makeRoom(transaction, answered);
    const position = replaced ?? transaction.first("SELECT COALESCE(MAX(position), 0) + 1 AS position FROM outbox");
    transaction.run(
      "INSERT INTO outbox (key, position, answered, source, message_group, operation, resource, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      entry.key,
      position?.["position"] ?? 1,
      answered ? 1 : 0,
      entry.source,
      entry.group,
      entry.operation,
      entry.resource,
      content,
    );
    this.#onPut();
  }

  remove(transaction: Transaction, key: string): boolean {
    return transaction.run("DELETE FROM outbox WHERE key = ?", key) > 0;
  }

  has(reader: Reader, key: string): boolean {
    return reader.first("SELECT 1 FROM outbox WHERE key = ?", key) !== undefined;
  }

  pending(reader: Reader): OutboxEntry[] {
    return reader
      .all(`SELECT ${COLUMNS} FROM outbox ORDER BY position`)
      .map(entryOf)
      .map(({ revision, answered, ...entry }) => entry);
  }

  /** Keys of all that waits. */
  keys(reader: Reader): string[] {
    return reader.all("SELECT key FROM outbox ORDER BY position").map((row) => String(row["key"]));
  }

  /** Up to `count` entries from the head of the line, events left out. */
  first(reader: Reader, count: number): QueuedEntry[] {
    const query = `SELECT ${COLUMNS} FROM outbox WHERE NOT (${IS_EVENT}) ORDER BY position LIMIT ?`;
    return reader.all(query, count).map(entryOf);
  }

  /** The event that has waited longest. */
  firstEvent(reader: Reader): QueuedEntry | undefined {
    const row = reader.first(`SELECT ${COLUMNS} FROM outbox WHERE ${IS_EVENT} ORDER BY position LIMIT 1`);
    return row && entryOf(row);
  }

  /** Removes an entry unless its content was replaced since. Returns whether it was removed. */
  settle(transaction: Transaction, revision: number): boolean {
    return transaction.run("DELETE FROM outbox WHERE revision = ?", revision) > 0;
  }

  #makeRoom(transaction: Transaction, answered: boolean): void {
    const row = transaction.first("SELECT COUNT(*) AS count FROM outbox WHERE answered = ?", answered ? 1 : 0);
    const count = Number(row?.["count"] ?? 0);
    if (answered) {
      if (count >= this.#limits.answeredEntries) throw outboxFull(this.#limits.answeredEntries);
    } else if (count >= this.#limits.unansweredEntries) {
      this.#droppedCount += transaction.run(
        "DELETE FROM outbox WHERE revision IN (SELECT revision FROM outbox WHERE answered = 0 ORDER BY position LIMIT ?)",
        count - this.#limits.unansweredEntries + 1,
      );
    }
  }
}

/** Whether the entry is an event. */
export function isEvent({ answered, group }: QueuedEntry): boolean {
  return !answered && group === "meta";
}

/** Events (wire.md 11, U21), uploads to the router (U22–U24) and reports on jobs of v1alpha1 (U33) get no answer. */
function isAnswered({ group, operation, resource }: OutboxEntry): boolean {
  if (operation === "prepull" || operation === "upgrade") return false;
  return group !== "user" && resource.split("/")[1] !== "event";
}

function entryOf(row: Row): QueuedEntry {
  return {
    revision: Number(row["revision"]),
    key: String(row["key"]),
    answered: row["answered"] === 1,
    source: String(row["source"]),
    group: String(row["message_group"]),
    operation: String(row["operation"]),
    resource: String(row["resource"]),
    // Written by `put` above, from a JsonValue.
    content: JSON.parse(String(row["content"])) as JsonValue,
  };
}
