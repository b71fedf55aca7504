import type { Transaction } from "./database.ts";
import { writeFailed } from "./errors.ts";

/** A work that waits for its commit, and who hears of it. */
export interface PendingWork {
  readonly run: (transaction: Transaction) => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/** One connection to SQLite, as a group commit uses it. */
export interface CommitConnection {
  /** For messages. */
  readonly path: string;
  /** Whether a transaction is open. */
  readonly isTransaction: boolean;
  readonly access: Transaction;
  exec(sql: string): void;
}

/**
 * Runs works under one BEGIN … COMMIT, each in its own savepoint, and tells those that failed: by themselves, or all of them
 * with the commit. Returns the others, which were not told: they are committed, and on the disk unless the connection
 * syncs beside.
 */
export function commitTogether(connection: CommitConnection, works: readonly PendingWork[]): PendingWork[] {
  const done: PendingWork[] = [];
  try {
    connection.exec("BEGIN IMMEDIATE");
    for (const work of works) {
      connection.exec("SAVEPOINT work");
      try {
        work.run(connection.access);
        connection.exec("RELEASE work");
        done.push(work);
      } catch (error) {
        // A full disk ends the whole transaction: then all works fail, below.
        if (!connection.isTransaction) throw error;
        connection.exec("ROLLBACK TO work; RELEASE work");
        work.failed(hasResultCode(error, MACHINE_FAILURES) ? writeFailed(connection.path, error) : error);
      }
    }
    connection.exec("COMMIT");
    return done;
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    const failure = writeFailed(connection.path, error);
    for (const work of works) work.failed(failure);
    return [];
  }
}

/** SQLite's result codes for what the machine, not the work, is to blame: READONLY, IOERR, FULL, CANTOPEN. */
const MACHINE_FAILURES: ReadonlySet<number> = new Set([8, 10, 13, 14]);

/** Whether it is SQLite's error with one of the codes; an extended code has the plain one in its low byte. */
export function hasResultCode(error: unknown, codes: ReadonlySet<number>): error is Error {
  return error instanceof Error && "errcode" in error && codes.has(Number(error.errcode) & 0xff);
}
