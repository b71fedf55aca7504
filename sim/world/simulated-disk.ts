import type { Clock } from "@skerry/base";
import type { Database, DatabaseOpener, Migration, Reader, Transaction } from "@skerry/store";
import { databaseClosed, writeFailed } from "@skerry/store";
import type { CrashPoints } from "./crash-points.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { migrate, readerOf, type SqlEngine, type SqlFile } from "./sql-engine.ts";

interface PendingWork {
  readonly run: (transaction: Transaction) => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/** What a disk is made of. */
export interface SimulatedDiskOptions {
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly crashPoints: CrashPoints;
  /** Hears of each commit. */
  readonly onCommit?: (name: string) => void;
}

/** Why nothing can be written. */
export type WriteTrouble = "database or disk is full" | "database is locked";

/**
 * A disk that outlives the processes on it. What was committed stays; works that were queued or in the middle of a
 * commit when the process died are gone, and their callers never hear of them.
 */
export class SimulatedDisk implements DatabaseOpener {
  readonly #options: SimulatedDiskOptions;
  readonly #open = new Set<SimulatedDatabase>();
  readonly #names = new Set<string>();
  /** Every work fails for this reason. */
  trouble: WriteTrouble | undefined;
  /** Every commit takes so much longer, as on a worn SD card. */
  extraSyncMs = 0;

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  async open(name: string, migrations: readonly Migration[]): Promise<Database> {
    const file = this.#options.engine.open(name);
    this.#names.add(name);
    migrate(file, migrations);
    const database = new SimulatedDatabase(name, file, this, this.#options);
    this.#open.add(database);
    return database;
  }

  /** The process with the handles has died: uncommitted work is lost. */
  closeAll(): void {
    for (const database of this.#open) database.kill();
    this.#open.clear();
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
    return this.#names.has(name) ? read(readerOf(this.#options.engine.open(name))) : undefined;
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
  #pending: PendingWork[] = [];
  #isDead = false;
  #isClosed = false;

  constructor(name: string, file: SqlFile, disk: SimulatedDisk, options: SimulatedDiskOptions) {
    this.#name = name;
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
      if (this.#pending.length === 1)
        clock.setTimer(random.between(1, 30) + this.#disk.extraSyncMs, () => this.#commit());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#isDead = true;
    this.#isClosed = true;
  }

  kill(): void {
    this.#isDead = true;
    this.#pending = [];
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
    const done = this.#write(works);
    if (due?.phase === "during") {
      due.crash();
      return;
    }
    for (const work of done) work.committed();
    if (due) this.#options.crashPoints.afterwards(due);
  }

  /** Runs the works in one transaction; returns those that did not fail by themselves. */
  #write(works: readonly PendingWork[]): PendingWork[] {
    const done: PendingWork[] = [];
    this.#file.exec("BEGIN");
    for (const work of works) {
      this.#file.exec("SAVEPOINT work");
      try {
        work.run(this.#file);
        this.#file.exec("RELEASE work");
        done.push(work);
      } catch (error) {
        this.#file.exec("ROLLBACK TO work; RELEASE work");
        work.failed(error);
      }
    }
    this.#file.exec("COMMIT");
    this.#options.onCommit?.(this.#name);
    return done;
  }
}
