import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { isSkerryError, type SkerryError } from "@skerry/base";
import type { Database, Migration, Reader, Row, Transaction } from "../database.ts";
import { databaseClosed, databaseCorrupt, writeFailed } from "../errors.ts";
import { type CommitConnection, commitTogether, hasResultCode, type PendingWork } from "../group-commit.ts";
import { migrate } from "../migrate.ts";
import { openSettled, syncBeside } from "../open-settled.ts";
import { LogSync } from "./log-sync.ts";

/** How to open a {@link SqliteDatabase}. */
export interface SqliteOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  readonly migrations: readonly Migration[];
  /** Pages of the file held in memory. @default SQLite's own, 2 MB */
  readonly cachePages?: number;
  /**
   * Commits are brought to the disk in another thread, while this one goes on: for much that comes fast. A read may then see
   * what is committed and not on the disk yet; its promise says when it is. A database that is opened on a full disk waits for
   * its commits like any other. @default false
   */
  readonly syncsBeside?: boolean;
  /** Called once when a read or write finds the open database damaged; what asked gets the same error. */
  readonly onDamage?: (error: SkerryError) => void;
}

/** The {@link Database} port over `node:sqlite`: WAL, `synchronous=FULL`, one writer, group commit. */
export class SqliteDatabase implements Database {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #access: Transaction;
  readonly #connection: CommitConnection;
  readonly #logSync: LogSync | undefined;
  /** Commits that are not on the disk yet. */
  readonly #unsynced = new Set<Promise<void>>();
  #pending: PendingWork[] = [];
  /** Why nothing more is stored: what was committed may not be on the disk, and what follows builds on it. */
  #syncFailure: SkerryError | undefined;
  #closed = false;
  #onDamage: ((error: SkerryError) => void) | undefined;

  /** @throws `STORE_DATABASE_CORRUPT`, `STORE_DATABASE_TOO_NEW`, `STORE_DISK_FULL`, `STORE_WRITE_FAILED` */
  constructor(options: SqliteOptions) {
    this.#path = options.path;
    this.#onDamage = options.onDamage;
    if (options.path !== ":memory:") mkdirSync(dirname(options.path), { recursive: true });
    this.#database = openChecked(options.path);
    try {
      if (options.cachePages !== undefined) this.#database.exec(`PRAGMA cache_size = ${options.cachePages}`);
      const database = this.#database;
      const first = (sql: string): Row | undefined => database.prepare(sql).get() as Row | undefined;
      const connection = { exec: (sql: string) => database.exec(sql), first };
      migrate(connection, options.path, options.migrations);
      const mayBeside = options.syncsBeside && options.path !== ":memory:";
      if (mayBeside && syncBeside(connection)) this.#logSync = new LogSync(options.path);
    } catch (error) {
      this.#database.close();
      throw isSkerryError(error) ? error : writeFailed(this.#path, error);
    }
    this.#access = {
      all: (sql, ...parameters) => this.#watched(() => this.#statement(sql).all(...parameters) as Row[]),
      first: (sql, ...parameters) => this.#watched(() => this.#statement(sql).get(...parameters) as Row | undefined),
      run: (sql, ...parameters) => this.#watched(() => Number(this.#statement(sql).run(...parameters).changes)),
    };
    const database = this.#database;
    this.#connection = {
      path: options.path,
      access: this.#access,
      get isTransaction() {
        return database.isTransaction;
      },
      exec: (sql) => database.exec(sql),
    };
  }

  read<T>(read: (reader: Reader) => T): T {
    if (this.#closed) throw databaseClosed(this.#path);
    return read(this.#access);
  }

  transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.#closed) return Promise.reject(databaseClosed(this.#path));
    if (this.#syncFailure) return Promise.reject(this.#syncFailure);
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#pending.push({
        run: (transaction) => {
          result = work(transaction);
        },
        committed: () => resolve(result),
        failed: reject,
      });
      if (this.#pending.length === 1) setImmediate(() => this.#commitPending());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#commitPending();
    this.#closed = true;
    await Promise.all(this.#unsynced);
    this.#statements.clear();
    this.#logSync?.close();
    this.#database.close();
  }

  #commitPending(): void {
    if (this.#closed || this.#pending.length === 0) return;
    const works = this.#pending;
    this.#pending = [];
    const done = commitTogether(this.#connection, works);
    if (this.#logSync === undefined) for (const work of done) work.committed();
    else if (done.length > 0) this.#settleWhenSynced(this.#logSync, done);
  }

  #settleWhenSynced(logSync: LogSync, works: readonly PendingWork[]): void {
    const settled = logSync
      .sync()
      .then(
        () => {
          // Synced after a failure or not: what it builds on may be missing.
          const failure = this.#syncFailure;
          for (const work of works)
            if (failure) work.failed(failure);
            else work.committed();
        },
        (error: unknown) => {
          this.#syncFailure ??= writeFailed(this.#path, error);
          for (const work of works) work.failed(this.#syncFailure);
        },
      )
      .finally(() => this.#unsynced.delete(settled));
    this.#unsynced.add(settled);
  }

  /** Runs a statement; damage that it meets is told. */
  #watched<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!hasResultCode(error, DAMAGED)) throw error;
      const damage = databaseCorrupt(this.#path, error.message, error);
      this.#onDamage?.(damage);
      this.#onDamage = undefined;
      throw damage;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function openChecked(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // Made before SQLite makes it: it holds Secrets. The files beside it get the same mode.
    if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
    database = new DatabaseSync(path);
    openSettled(database);
    const finding = String(Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0] ?? "no answer");
    if (finding !== "ok") throw databaseCorrupt(path, finding.replaceAll(/\s+/g, " "));
    return database;
  } catch (error) {
    // Left open, it would remove the write-ahead log of a database that takes this one's place, whenever it is collected.
    database?.close();
    if (error instanceof Error && /malformed|not a database/i.test(error.message))
      throw databaseCorrupt(path, error.message, error);
    throw isSkerryError(error) ? error : writeFailed(path, error);
  }
}

/** CORRUPT, NOTADB. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);
