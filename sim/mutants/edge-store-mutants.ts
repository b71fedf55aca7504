import type { KubernetesObject } from "@skerry/api";
import type { Database, Reader, Row, Transaction } from "@skerry/store";
import type { Mutant } from "./mutant.ts";

/** Bugs in what the edge stores. */
export const EDGE_STORE_MUTANTS: readonly Mutant[] = [
  {
    name: "ack-before-commit",
    description: "the edge acknowledges what is not committed yet; a crash loses it",
    mutateDatabase: answeringBeforeCommit,
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

function deletingByPrefix(transaction: Transaction, key: unknown): number {
  return transaction.run("DELETE FROM meta WHERE key LIKE ? || '%'", String(key));
}

/** Does something else for statements with that text. */
function running(
  database: Database,
  text: string,
  instead: (transaction: Transaction, ...parameters: unknown[]) => number,
): Database {
  return {
    read: (read) => database.read(read),
    transaction: (work) =>
      database.transaction((transaction) =>
        work({
          all: (sql, ...parameters) => transaction.all(sql, ...parameters),
          first: (sql, ...parameters) => transaction.first(sql, ...parameters),
          run: (sql, ...parameters) =>
            sql.includes(text) ? instead(transaction, ...parameters) : transaction.run(sql, ...parameters),
        }),
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

function forgettingVersions(rows: Row[]): Row[] {
  return rows.map((row) => {
    const object = JSON.parse(String(row["value"])) as KubernetesObject;
    return { value: JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: "1" } }) };
  });
}

/** Changes what statements with that text find within transactions and reads. */
function rewriting(database: Database, text: string, change: (rows: Row[]) => Row[]): Database {
  const reader = (inner: Reader): Reader => ({
    all: (sql, ...parameters) => {
      const rows = inner.all(sql, ...parameters);
      return sql.includes(text) ? change(rows) : rows;
    },
    first: (sql, ...parameters) => {
      const row = inner.first(sql, ...parameters);
      return sql.includes(text) ? change(row ? [row] : [])[0] : row;
    },
  });
  return {
    read: (read) => database.read(read),
    transaction: (work) =>
      database.transaction((transaction) =>
        work({ ...reader(transaction), run: (sql, ...parameters) => transaction.run(sql, ...parameters) }),
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** The work's result is answered at once; the commit comes when it comes. */
function answeringBeforeCommit(database: Database): Database {
  return {
    read: (read) => database.read(read),
    transaction: (work) => {
      let settle: ((result: ReturnType<typeof work>) => void) | undefined;
      const early = new Promise<ReturnType<typeof work>>((resolve) => {
        settle = resolve;
      });
      const committed = database.transaction(work);
      // The result is only known from running the work; a dry run that is rolled back tells it beforehand.
      void database
        .transaction((transaction) => {
          settle?.(work(transaction));
          throw new Error("only to learn the result");
        })
        .catch(() => undefined);
      committed.catch(() => undefined);
      return early;
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
