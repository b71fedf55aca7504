import { DatabaseSync } from "node:sqlite";
import type { Clock } from "@skerry/base";
import type { Database, DatabaseOpener, Migration, Reader, Row, Transaction } from "@skerry/store";
import { databaseClosed, writeFailed } from "@skerry/store";
import type { SeededRandom } from "./seeded-random.ts";

/** What may go wrong at a commit. */
export type CommitFault = "crash-before-commit" | "crash-after-commit" | "crash-after-answer";

/** The faults a disk asks about, and whom it tells. */
export interface DiskFaults {
  /** Drawn once per commit. */
  draw(): CommitFault | undefined;
  /** The machine loses power now. */
  powerLoss(): void;
}

interface PendingWork {
  readonly run: (transaction: Transaction) => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * A disk that outlives the processes on it. What was committed stays; works that were queued or in the middle of a
 * commit when the power went are gone, and their callers never hear of them.
 */
export class SimulatedDisk implements DatabaseOpener {
  readonly #files = new Map<string, DatabaseSync>();
  readonly #open = new Set<SimulatedDatabase>();
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly faults: DiskFaults;
  /** Nothing can be written: every work fails with `STORE_DISK_FULL`. */
  full = false;

  constructor(clock: Clock, random: SeededRandom, faults: DiskFaults) {
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
  }

  async open(name: string, migrations: readonly Migration[]): Promise<Database> {
    let file = this.#files.get(name);
    if (!file) {
      file = new DatabaseSync(":memory:");
      this.#files.set(name, file);
    }
    const version = Number(file.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    for (let step = version; step < migrations.length; step++) {
      file.exec(`BEGIN; ${migrations[step]}; PRAGMA user_version = ${step + 1}; COMMIT`);
    }
    const database = new SimulatedDatabase(name, file, this.#clock, this.#random, this.faults, () => this.full);
    this.#open.add(database);
    return database;
  }

  /** The power is gone: every open handle is dead, uncommitted work is lost. */
  losePower(): void {
    for (const database of this.#open) database.kill();
    this.#open.clear();
  }

  /** The committed content of a file, for checkers. */
  inspect<T>(name: string, read: (reader: Reader) => T): T | undefined {
    const file = this.#files.get(name);
    return file ? read(readerOf(file)) : undefined;
  }

  /** Frees the memory of all files; the world is over. */
  destroy(): void {
    this.losePower();
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

class SimulatedDatabase implements Database {
  readonly #name: string;
  readonly #file: DatabaseSync;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #faults: DiskFaults;
  readonly #isFull: () => boolean;
  #pending: PendingWork[] = [];
  #dead = false;

  constructor(
    name: string,
    file: DatabaseSync,
    clock: Clock,
    random: SeededRandom,
    faults: DiskFaults,
    isFull: () => boolean,
  ) {
    this.#isFull = isFull;
    this.#name = name;
    this.#file = file;
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  read<T>(read: (reader: Reader) => T): T {
    if (this.#dead) throw databaseClosed(this.#name);
    return read(readerOf(this.#file));
  }

  transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    // A killed process never learns what became of its call.
    if (this.#dead) return new Promise(() => {});
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#pending.push({
        run: (transaction) => {
          result = work(transaction);
        },
        committed: () => resolve(result),
        failed: reject,
      });
      if (this.#pending.length === 1) this.#clock.setTimer(this.#random.between(1, 30), () => this.#commit());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#dead = true;
  }

  kill(): void {
    this.#dead = true;
    this.#pending = [];
  }

  #commit(): void {
    if (this.#dead || this.#pending.length === 0) return;
    const fault = this.#faults.draw();
    if (fault === "crash-before-commit") {
      this.#faults.powerLoss();
      return;
    }
    const works = this.#pending;
    this.#pending = [];
    if (this.#isFull()) {
      for (const work of works) work.failed(writeFailed(this.#name, new Error("database or disk is full")));
      return;
    }
    const done: PendingWork[] = [];
    this.#file.exec("BEGIN");
    for (const work of works) {
      this.#file.exec("SAVEPOINT work");
      try {
        work.run(transactionOf(this.#file));
        this.#file.exec("RELEASE work");
        done.push(work);
      } catch (error) {
        this.#file.exec("ROLLBACK TO work; RELEASE work");
        work.failed(error);
      }
    }
    this.#file.exec("COMMIT");
    if (fault === "crash-after-commit") {
      this.#faults.powerLoss();
      return;
    }
    for (const work of done) work.committed();
    if (fault === "crash-after-answer") this.#clock.setTimer(0, () => this.#faults.powerLoss());
  }
}

function readerOf(file: DatabaseSync): Reader {
  return {
    all: (sql, ...parameters) => file.prepare(sql).all(...parameters) as Row[],
    first: (sql, ...parameters) => file.prepare(sql).get(...parameters) as Row | undefined,
  };
}

function transactionOf(file: DatabaseSync): Transaction {
  return { ...readerOf(file), run: (sql, ...parameters) => Number(file.prepare(sql).run(...parameters).changes) };
}
