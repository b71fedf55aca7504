import type { Migration, Reader, Row, Transaction } from "@skerry/store";
import { type ApiObject, asApiObject } from "./api-object.ts";
import { Change, type ChangeType } from "./change.ts";
import { requestTooLarge } from "./status-errors.ts";

/** The API server's schema. Never edit a released step. */
export const storeMigrations: readonly Migration[] = [
  `CREATE TABLE object (
     resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
     data TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)
   );
   CREATE TABLE change (
     revision INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
     type TEXT NOT NULL, data TEXT NOT NULL, previous TEXT
   );
   CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
   INSERT INTO counter VALUES ('revision', 1), ('compacted', 1), ('logged_characters', 0);`,
  "CREATE INDEX pod_node ON object (json_extract(data, '$.spec.nodeName')) WHERE resource = '/pods'",
];

/** Changes that the log keeps; a watch that wants older ones gets 410 and lists again. */
const LOG_LIMIT = 5_000;
/** The log is cut once it is this much over its limit, not at every write. */
const LOG_SLACK = 500;
/** Length of all logged texts at which the older half of the log goes. */
const LOG_LIMIT_CHARACTERS = 128 * 1024 * 1024;
/** Largest object, as etcd has it. */
const OBJECT_LIMIT_BYTES = 1_536 * 1024;

/** Where an object is stored. */
export interface ObjectKey {
  /** `group/resource`. */
  readonly resource: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

/** An object's stored text and where it is. */
export interface StoredText {
  readonly key: ObjectKey;
  readonly text: string;
}

/** What can be read at one moment. */
export class StoreView {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** The revision of the newest change. */
  get revision(): number {
    return this.counter("revision");
  }

  /** Changes up to this revision are no longer in the log. */
  get compactedRevision(): number {
    return this.counter("compacted");
  }

  get(key: ObjectKey): ApiObject | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : parseObject(text);
  }

  protected text(key: ObjectKey): string | undefined {
    const row = this.#reader.first(
      "SELECT data FROM object WHERE resource = ? AND namespace = ? AND name = ?",
      key.resource,
      key.namespace,
      key.name,
    );
    return row ? String(row["data"]) : undefined;
  }

  /** Objects by namespace and name; in all namespaces without `namespace`. */
  list(resource: string, namespace?: string): ApiObject[] {
    return this.texts(resource, namespace).map(({ text }) => parseObject(text));
  }

  /** As {@link list}, but the stored texts with their keys. */
  texts(resource: string, namespace?: string): StoredText[] {
    const rows =
      namespace === undefined
        ? this.#reader.all(
            "SELECT namespace, name, data FROM object WHERE resource = ? ORDER BY namespace, name",
            resource,
          )
        : this.#reader.all(
            "SELECT namespace, name, data FROM object WHERE resource = ? AND namespace = ? ORDER BY namespace, name",
            resource,
            namespace,
          );
    return rows.map((row) => storedText(resource, row));
  }

  /** As {@link list}, but only the pods that are bound to a node. */
  podsOn(nodeName: string, namespace?: string): ApiObject[] {
    return this.podTextsOn(nodeName, namespace).map(({ text }) => parseObject(text));
  }

  /** As {@link texts}, but only the pods that are bound to a node. */
  podTextsOn(nodeName: string, namespace?: string): StoredText[] {
    const rows = this.#reader.all(
      "SELECT namespace, name, data FROM object INDEXED BY pod_node WHERE resource = '/pods' AND json_extract(data, '$.spec.nodeName') = ? ORDER BY namespace, name",
      nodeName,
    );
    const texts = rows.map((row) => storedText("/pods", row));
    return namespace === undefined ? texts : texts.filter(({ key }) => key.namespace === namespace);
  }

  /** Logged changes after a revision, oldest first. */
  changesAfter(revision: number, limit: number): Change[] {
    return this.#reader
      .all("SELECT * FROM change WHERE revision > ? ORDER BY revision LIMIT ?", revision, limit)
      .map(changeOf);
  }

  /** Logged changes of one resource after a revision, oldest first. */
  changesOf(resource: string, afterRevision: number): Change[] {
    return this.#reader
      .all("SELECT * FROM change WHERE resource = ? AND revision > ? ORDER BY revision", resource, afterRevision)
      .map(changeOf);
  }

  protected counter(name: string): number {
    return Number(this.#reader.first("SELECT value FROM counter WHERE name = ?", name)?.["value"] ?? 0);
  }
}

/** Reads and writes within one transaction. */
export class StoreSession extends StoreView {
  readonly #transaction: Transaction;
  readonly changes: Change[] = [];

  constructor(transaction: Transaction) {
    super(transaction);
    this.#transaction = transaction;
  }

  /**
   * Stores an object under the next revision, which becomes its resourceVersion; returns the object.
   * @throws ApiError 413 when it is too large
   */
  put(key: ObjectKey, object: ApiObject): ApiObject {
    const previous = this.text(key);
    const revision = this.#nextRevision();
    object.metadata.resourceVersion = String(revision);
    const text = JSON.stringify(object);
    if (Buffer.byteLength(text) > OBJECT_LIMIT_BYTES) throw requestTooLarge(OBJECT_LIMIT_BYTES);
    this.#transaction.run(
      "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)",
      key.resource,
      key.namespace,
      key.name,
      text,
    );
    this.#log(new Change(revision, previous === undefined ? "ADDED" : "MODIFIED", key, text, previous));
    return object;
  }

  /** Removes an object; its last state, with the revision of the removal, is what watchers see. */
  remove(key: ObjectKey, object: ApiObject): ApiObject {
    const previous = this.text(key);
    const revision = this.#nextRevision();
    object.metadata.resourceVersion = String(revision);
    this.#transaction.run(
      "DELETE FROM object WHERE resource = ? AND namespace = ? AND name = ?",
      key.resource,
      key.namespace,
      key.name,
    );
    this.#log(new Change(revision, "DELETED", key, JSON.stringify(object), previous));
    return object;
  }

  #nextRevision(): number {
    this.#transaction.run("UPDATE counter SET value = value + 1 WHERE name = 'revision'");
    return this.revision;
  }

  #log(change: Change): void {
    this.changes.push(change);
    this.#transaction.run(
      "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?)",
      change.revision,
      change.key.resource,
      change.key.namespace,
      change.key.name,
      change.type,
      change.text,
      change.previousText ?? null,
    );
    const logged = this.counter("logged_characters") + change.text.length + (change.previousText?.length ?? 0);
    this.#setCounter("logged_characters", logged);
    const compacted = this.compactedRevision;
    if (logged > LOG_LIMIT_CHARACTERS) this.#compact(Math.floor((change.revision + compacted) / 2));
    else if (change.revision - LOG_LIMIT > compacted + LOG_SLACK) this.#compact(change.revision - LOG_LIMIT);
  }

  /** Forgets changes up to a revision. */
  #compact(revision: number): void {
    this.#transaction.run("DELETE FROM change WHERE revision <= ?", revision);
    this.#setCounter("compacted", revision);
    const left = this.#transaction.first(
      "SELECT COALESCE(SUM(LENGTH(data) + COALESCE(LENGTH(previous), 0)), 0) AS size FROM change",
    );
    this.#setCounter("logged_characters", Number(left?.["size"] ?? 0));
  }

  #setCounter(name: string, value: number): void {
    this.#transaction.run("UPDATE counter SET value = ? WHERE name = ?", value, name);
  }
}

/** Parses a stored object. */
export function parseObject(text: string): ApiObject {
  return asApiObject(JSON.parse(text));
}

function storedText(resource: string, row: Row): StoredText {
  return {
    key: { resource, namespace: String(row["namespace"]), name: String(row["name"]) },
    text: String(row["data"]),
  };
}

function changeOf(row: Row): Change {
  const key = {
    resource: String(row["resource"]),
    namespace: String(row["namespace"]),
    name: String(row["name"]),
  };
  const previous = row["previous"];
  return new Change(
    Number(row["revision"]),
    row["type"] as ChangeType,
    key,
    String(row["data"]),
    typeof previous === "string" ? previous : undefined,
  );
}
