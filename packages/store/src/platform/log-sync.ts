import { closeSync, fdatasync, openSync } from "node:fs";

/**
 * Brings a database's write-ahead log to the disk in another thread, while this one goes on. The log must be there, and its
 * name on the disk. Syncs are taken one after the other; those that are asked for meanwhile are one.
 */
export class LogSync {
  readonly #descriptor: number;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(databasePath: string) {
    this.#descriptor = openSync(`${databasePath}-wal`, "r");
  }

  /**
   * Resolves when all that was written before is on the disk. After it has rejected nobody can say what is, and never will:
   * the kernel takes for written what it could not write.
   */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    const begin = (): Promise<void> => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  /** No sync may be under way. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #begin(): Promise<void> {
    const running = new Promise<void>((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()));
    }).finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
