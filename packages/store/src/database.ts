/** A value in a column or a bound parameter. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** One result row by column name. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Reads the committed state (inside a transaction: also its own writes). Synchronous, as SQLite is. */
export interface Reader {
  all(sql: string, ...parameters: SqlValue[]): Row[];
  first(sql: string, ...parameters: SqlValue[]): Row | undefined;
}

/** Reads and writes within one transaction. */
export interface Transaction extends Reader {
  /** Returns the number of rows changed. */
  run(sql: string, ...parameters: SqlValue[]): number;
}

/** Step `n` of a schema's history brings `user_version` from `n` to `n + 1`. Never edit one that has been released. */
export type Migration = string;

/**
 * The SQL port. `transaction` is group-committed: works that are queued together share one synced commit, and each
 * promise settles only after that commit (an accepted write is on the disk). A work that throws undoes its own
 * changes and no other's.
 */
export interface Database extends AsyncDisposable {
  /** Runs `read` on the committed state. */
  read<T>(read: (reader: Reader) => T): T;
  /** Runs `work` in a transaction; resolves with its result after the commit is synced to disk. */
  transaction<T>(work: (transaction: Transaction) => T): Promise<T>;
}

/** Opens databases by name; the platform decides where they live. */
export interface DatabaseOpener {
  open(name: string, migrations: readonly Migration[]): Promise<Database>;
}
