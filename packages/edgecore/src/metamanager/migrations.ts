import type { Migration } from "@skerry/store";

/** Not used any more; a step of the history stays. */
export const outboxStreamTable: Migration = "CREATE TABLE outbox_stream (id TEXT NOT NULL)";

/**
 * MetaManager's tables. `meta` has KubeEdge's columns (edge.md 5.1), so that a node's existing database is taken over.
 * A replaced outbox entry gets a new `revision`, which is never used twice: the answer to the older content does not
 * remove the newer one. It keeps its `position` in the line.
 */
export const metaManagerTables: Migration = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, type TEXT, value TEXT);
  CREATE INDEX IF NOT EXISTS meta_type ON meta (type, key);
  CREATE TABLE tombstone (
    uid TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL UNIQUE,
    resource_version TEXT NOT NULL
  );
  CREATE TABLE outbox (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    source TEXT NOT NULL,
    message_group TEXT NOT NULL,
    operation TEXT NOT NULL,
    resource TEXT NOT NULL,
    content TEXT NOT NULL
  );
  CREATE INDEX outbox_position ON outbox (position);
`;

/** Of which type the deleted object was, so that the node can say which versions of a type it has seen. */
export const tombstoneTypes: Migration = "ALTER TABLE tombstone ADD COLUMN type TEXT NOT NULL DEFAULT ''";

/** For the first event of the line, which is looked for often and mostly not there. */
export const outboxEventIndex: Migration = "CREATE INDEX outbox_event ON outbox (position) WHERE answered = 0";

/** All of them, for a database that only MetaManager uses. */
export const metaManagerMigrations: readonly Migration[] = [
  metaManagerTables,
  outboxStreamTable,
  tombstoneTypes,
  outboxEventIndex,
];
