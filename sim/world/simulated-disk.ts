import { type Clock, describeError } from "@skerry/base";
import type { Database, DatabaseOpener, Migration, Reader, Transaction } from "@skerry/store";
import { commitTogether, databaseClosed, migrate, type PendingWork, syncBeside, writeFailed } from "@skerry/store";
import type { CrashPoints } from "./crash-points.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { readerOf, type SqlEngine, type SqlFile } from "./sql-engine.ts";

/** What a disk is made of. */
export interface SimulatedDiskOptions {
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly crashPoints: CrashPoints;
  /** Hears of a file that cannot be read. */
  readonly onDamage?: (message: string) => void;
  /** Hears of each commit. */
  readonly onCommit?: (name: string) => void;
}

/** Why nothing can be written. */
export type WriteTrouble = typeof DISK_FULL | "database is locked";

const DISK_FULL = "database or disk is full";
/** A commit makes about so many calls of the disk. */
const CALLS_OF_COMMIT = 12;

/**
 * A disk that outlives the processes on it. What was committed stays; works that were queued or in the middle of a
 * commit when the process died are gone, and their callers never hear of them.
 */
export class SimulatedDisk implements DatabaseOpener {
  readonly #options: SimulatedDiskOptions;
  readonly #open = new Set<SimulatedDatabase>();
  readonly #names = new Set<string>();
  #trouble: WriteTrouble | undefined;
  /** Every commit takes so much longer, as on a worn SD card. */
  extraSyncMs = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  /** What commits fail for; on a full disk with files below only those for which there is no room. */
  set trouble(trouble: WriteTrouble | undefined) {
    this.#trouble = trouble;
    const { disk } = this.#options.engine;
    if (disk) disk.isFull = trouble === DISK_FULL;
  }

  /** Why every commit fails. */
  get trouble(): WriteTrouble | undefined {
    return this.#options.engine.disk && this.#trouble === DISK_FULL ? undefined : this.#trouble;
  }

  /** With `syncsBeside` a commit waits for its sync only before it is told. */
  async open(
    name: string,
    migrations: readonly Migration[],
    { syncsBeside = false }: { syncsBeside?: boolean } = {},
  ): Promise<Database> {
    const file = this.#options.engine.open(name);
    this.#names.add(name);
    migrate(file, name, migrations);
    const isBeside = syncsBeside && syncBeside(file);
    const database = new SimulatedDatabase(name, file, this, this.#options, isBeside);
    this.#open.add(database);
    return database;
  }

  /** The process with the handles has died: uncommitted work is lost. */
  closeAll(): void {
    for (const database of this.#open) database.kill();
    this.#open.clear();
    this.#options.engine.abandon();
  }

  /** The power is gone. */
  losePower(): void {
    this.closeAll();
    this.#options.engine.losePower();
  }

  backUp(name: string): void {
    if (this.#names.has(name)) this.#options.engine.backUp(name);
  }

  /** Puts the backup in place; the machine must be off. False when there is none. */
  restore(name: string): boolean {
    return this.#names.has(name) && this.#options.engine.restore(name);
  }

  /** The committed content of a file, for checkers. */
  inspect<T>(name: string, read: (reader: Reader) => T): T | undefined {
    if (!this.#names.has(name)) return undefined;
    try {
      return read(readerOf(this.#options.engine.open(name)));
    } catch (error) {
      this.#options.onDamage?.(`${name} cannot be read: ${describeError(error)}`);
      return undefined;
    }
  }

  /** The file says that it was written by that version of the schema; the machine must be off. Who did it had made room. */
  setSchemaVersion(name: string, version: number): void {
    if (!this.#names.has(name)) return;
    const { disk } = this.#options.engine;
    const isFull = disk?.isFull ?? false;
    if (disk) disk.isFull = false;
    this.#options.engine.open(name).exec(`PRAGMA user_version = ${version}`);
    if (disk) disk.isFull = isFull;
  }

  /** Frees the memory of all files; the world is over. */
  destroy(): void {
    this.closeAll();
    this.#options.engine.destroy();
  }
}

class SimulatedDatabase implements Database {
  readonly #name: string;
  readonly #file: SqlFile;
  readonly #disk: SimulatedDisk;
  readonly #options: SimulatedDiskOptions;
  readonly #syncsBeside: boolean;
  #pending: PendingWork[] = [];
  /** Committed, but neither synced nor told. */
  #unsynced: PendingWork[] = [];
  #isDead = false;
  #isClosed = false;

  constructor(name: string, file: SqlFile, disk: SimulatedDisk, options: SimulatedDiskOptions, syncsBeside: boolean) {
    this.#name = name;
    this.#syncsBeside = syncsBeside;
    this.#file = file;
    this.#disk = disk;
    this.#options = options;
  }

  read<T>(read: (reader: Reader) => T): T {
    if (this.#isClosed) throw databaseClosed(this.#name);
    // A process that dies within a call goes on to the call's end, unseen by anybody; it may look.
    return read(readerOf(this.#isDead ? this.#options.engine.open(this.#name) : this.#file));
  }

  transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    // A killed process never learns what became of its call.
    if (this.#isDead) return new Promise(() => {});
    const { clock, random } = this.#options;
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#pending.push({
        run: (transaction) => {
          result = work(transaction);
        },
        committed: () => resolve(result),
        failed: reject,
      });
      if (this.#pending.length > 1) return;
      const delayMs = random.between(1, 30) + this.#disk.extraSyncMs;
      const syncMs = this.#syncsBeside ? Math.floor(delayMs / 2) : 0;
      clock.setTimer(delayMs - syncMs, () => {
        this.#commit();
        if (this.#syncsBeside) clock.setTimer(syncMs, () => this.#sync());
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#sync();
    this.#isDead = true;
    this.#isClosed = true;
  }

  kill(): void {
    this.#isDead = true;
    this.#pending = [];
    this.#unsynced = [];
  }

  #commit(): void {
    if (this.#isDead || this.#pending.length === 0) return;
    const due = this.#options.crashPoints.meet("database");
    if (due?.phase === "before") {
      due.crash();
      return;
    }
    const works = this.#pending;
    this.#pending = [];
    const { trouble } = this.#disk;
    if (trouble !== undefined) {
      for (const work of works) work.failed(writeFailed(this.#name, new Error(trouble)));
      due?.crash();
      return;
    }
    if (due?.phase === "during") this.#options.engine.disk?.dieAfter(this.#options.random.between(0, CALLS_OF_COMMIT));
    const done = this.#write(works);
    if (due?.phase === "during") {
      due.crash();
      return;
    }
    if (this.#syncsBeside) this.#unsynced.push(...done);
    else for (const work of done) work.committed();
    if (due) this.#options.crashPoints.afterwards(due);
  }

  #sync(): void {
    if (this.#isDead || this.#unsynced.length === 0) return;
    this.#options.engine.syncLog(this.#name);
    const works = this.#unsynced;
    this.#unsynced = [];
    for (const work of works) work.committed();
  }

  #write(works: readonly PendingWork[]): PendingWork[] {
    const { engine, onCommit } = this.#options;
    const file = this.#file;
    const connection = {
      path: this.#name,
      access: file,
      get isTransaction() {
        return file.isTransaction;
      },
      exec: (sql: string) => file.exec(sql),
    };
    // Who dies in the middle of a commit does not hear that it failed.
    const told = works.map((work) => ({
      ...work,
      failed: (error: unknown) => {
        if (!engine.disk?.isDead) work.failed(error);
      },
    }));
    const done = commitTogether(connection, told);
    if (done.length > 0) onCommit?.(this.#name);
    return done;
  }
}
