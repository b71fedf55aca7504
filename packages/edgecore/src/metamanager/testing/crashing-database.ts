import type { Database, Reader, Transaction } from "@skerry/store";

/** When the machine loses power. */
export type CrashPoint = "before-commit" | "after-commit";

/**
 * A process's view of a database that outlives it: at the crash a transaction is rolled back, or committed without
 * its caller ever hearing of it, and from then on nothing of that process happens any more.
 */
export class CrashingDatabase implements Database {
  readonly #disk: Database;
  #next: CrashPoint | undefined;
  #crashed = false;

  constructor(disk: Database) {
    this.#disk = disk;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** The next transaction is the last one. */
  crashAt(point: CrashPoint): void {
    this.#next = point;
  }

  /** The power is off. */
  crash(): void {
    this.#crashed = true;
  }

  read<T>(work: (reader: Reader) => T): T {
    return this.#disk.read(work);
  }

  transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.#crashed) return forever();
    const point = this.#next;
    this.#next = undefined;
    const committed = this.#disk.transaction((transaction) => {
      if (this.#crashed) throw new Error("the power is off");
      const result = work(transaction);
      if (point === "before-commit") {
        this.#crashed = true;
        throw new Error("the power failed");
      }
      return result;
    });
    return committed.then(
      (result) => {
        if (point === "after-commit") this.#crashed = true;
        return this.#crashed ? forever<T>() : result;
      },
      (error: unknown) => (this.#crashed ? forever<T>() : Promise.reject(error)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function forever<T>(): Promise<T> {
  return new Promise(() => {});
}
