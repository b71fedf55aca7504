import type { KubernetesObject } from "@skerry/api";
import type { Row, SqlValue, Transaction } from "@skerry/store";
import { answeringBeforeCommit, rewriting, running } from "./altered-database.ts";
import type { Mutant } from "./mutant.ts";

/** Bugs in what the edge stores. */
export const EDGE_STORE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-before-commit",
    description: "the edge acknowledges what is not committed yet; a crash loses it",
    mutateDatabase: answeringBeforeCommit,
  },
  {
    name: "commit-not-synced",
    description: "a commit is written and not synced: a power cut takes it back",
    ignoresSyncs: true,
  },
  {
    name: "older-versions-stored",
    description: "the edge stores whatever comes, also a version older than the one it has",
    mutateDatabase: (database) => rewriting(database, "SELECT value FROM meta WHERE key", forgettingVersions),
  },
  {
    name: "tombstones-forgotten",
    description: "the edge does not remember what was deleted; a late message brings it back",
    mutateDatabase: (database) => rewriting(database, "FROM tombstone WHERE uid", () => []),
  },
  {
    name: "deletion-by-prefix",
    description: "paths are compared as texts, not by segments: deleting web deletes web-2 as well (KubeEdge)",
    mutateDatabase: (database) => running(database, "DELETE FROM meta WHERE key = ?", deletingByPrefix),
  },
  {
    name: "upstream-in-memory-only",
    description: "what waits for the cloud is gone after a restart (KubeEdge)",
    mutateDatabase: (database) => {
      database
        .transaction((transaction) => {
          transaction.run("DELETE FROM outbox");
          transaction.run("UPDATE twin_property SET unreported = 0");
        })
        .catch(() => undefined);
      return database;
    },
  },
  {
    name: "outbox-unbounded",
    description: "nobody counts what waits for the cloud",
    mutateDatabase: (database) => rewriting(database, "SELECT COUNT(*) AS count FROM outbox", () => [{ count: 0 }]),
  },
];

function deletingByPrefix(transaction: Transaction, _sql: string, [key = ""]: readonly SqlValue[]): number {
  return transaction.run("DELETE FROM meta WHERE key LIKE ? || '%'", String(key));
}

function forgettingVersions(rows: Row[]): Row[] {
  return rows.map((row) => {
    const object = JSON.parse(String(row["value"])) as KubernetesObject;
    return { value: JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: "1" } }) };
  });
}
