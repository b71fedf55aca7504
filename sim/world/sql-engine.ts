import type { Reader, Row, SqlValue, Transaction } from "@skerry/store";

/** One opened database. Its transactions are begun and ended by `exec`. */
export interface SqlFile extends Transaction {
  readonly isTransaction: boolean;
  exec(sql: string): void;
}

/** SQLite on a simulated disk. */
export interface SqlEngine {
  /** A handle; there is at most one a file. */
  open(name: string): SqlFile;
  /** Brings what was committed to the disk, where commits do not. */
  syncLog(name: string): void;
  /** The process with the handles has died; they are void. */
  abandon(): void;
  /** The machine is off: handles are void, and what was not synced may be lost. */
  losePower(): void;
  /** Keeps a copy of a file as it is now. */
  backUp(name: string): void;
  /** Puts the copy in the file's place, while nothing has it open; false when there is none. */
  restore(name: string): boolean;
  /** The world is over. */
  destroy(): void;
  /** Where files have a disk below them. */
  readonly disk?: FaultyDisk;
}

/** A disk below the files. */
export interface FaultyDisk {
  /** Files do not grow any more. */
  isFull: boolean;
  /** Syncs are asked for and not done. */
  ignoresSyncs: boolean;
  /** Whether calls do nothing any more. */
  readonly isDead: boolean;
  /** The process dies after so many more calls that change something: in the middle of a commit. */
  dieAfter(calls: number): void;
}

/** Only the reading half. */
export function readerOf(file: SqlFile): Reader {
  return {
    all: (sql: string, ...parameters: SqlValue[]): Row[] => file.all(sql, ...parameters),
    first: (sql: string, ...parameters: SqlValue[]): Row | undefined => file.first(sql, ...parameters),
  };
}
