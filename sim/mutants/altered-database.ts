import type { Database, Reader, Row, SqlValue, Transaction } from "@skerry/store";

type Run = (transaction: Transaction, sql: string, parameters: readonly SqlValue[]) => number;

/** Does something else for the writing statements with that text. */
export function running(database: Database, text: string, instead: Run): Database {
  return altered(database, (transaction) => ({
    all: (sql, ...parameters) => transaction.all(sql, ...parameters),
    first: (sql, ...parameters) => transaction.first(sql, ...parameters),
    run: (sql, ...parameters) =>
      sql.includes(text) ? instead(transaction, sql, parameters) : transaction.run(sql, ...parameters),
  }));
}

/** Changes what statements with that text find within transactions. */
export function rewriting(database: Database, text: string, change: (rows: Row[]) => Row[]): Database {
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
  return altered(database, (transaction) => ({
    ...reader(transaction),
    run: (sql, ...parameters) => transaction.run(sql, ...parameters),
  }));
}

/** The work's result is answered at once; the commit comes when it comes. */
export function answeringBeforeCommit(database: Database): Database {
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

function altered(database: Database, change: (transaction: Transaction) => Transaction): Database {
  return {
    read: (read) => database.read(read),
    transaction: (work) => database.transaction((transaction) => work(change(transaction))),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
