import type { Migration } from "@skerry/store";

/**
 * What the MetaServer keeps: objects that applications asked for, deletions that watches may still have to tell of, what
 * was listed when, and answers about the API server itself. `resource` is `<group>/<version>/<plural>`, a `namespace`
 * is empty for cluster-wide objects and for lists over all.
 */
export const metaServerTables: Migration = `
  CREATE TABLE api_object (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (resource, namespace, name)
  );
  CREATE TABLE api_deletion (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL, uid TEXT NOT NULL,
    version TEXT NOT NULL, value TEXT NOT NULL
  );
  CREATE TABLE api_scope (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, label_selector TEXT NOT NULL, field_selector TEXT NOT NULL,
    kind TEXT NOT NULL, first_version TEXT NOT NULL, version TEXT NOT NULL, listed_ms INTEGER NOT NULL,
    PRIMARY KEY (resource, namespace, label_selector, field_selector)
  );
  CREATE TABLE api_answer (path TEXT PRIMARY KEY, value TEXT NOT NULL, received_ms INTEGER NOT NULL);
`;

/** All of them, for a database that only the MetaServer uses. */
export const metaServerMigrations: readonly Migration[] = [metaServerTables];
