import type { SeededRandom } from "../world/seeded-random.ts";
import type { FaultyDisk } from "../world/sql-engine.ts";
import { UnsyncedFile } from "./unsynced-file.ts";

/** Why a process's call to the disk fails. */
export type DiskFailure = "full" | "dead";

/** The files of one machine as its kernel shows them, and what a power cut leaves of them. */
export class UnsyncedDisk implements FaultyDisk {
  readonly #random: SeededRandom;
  readonly #files = new Map<string, UnsyncedFile>();
  /** Removed, but maybe not on the disk yet. */
  readonly #removed = new Map<string, UnsyncedFile>();
  isFull = false;
  ignoresSyncs = false;
  /** Calls that change something until the process dies; undefined: it does not. */
  #callsLeft: number | undefined;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** The file, made when there is none. */
  open(path: string): UnsyncedFile {
    const known = this.#files.get(path);
    if (known) return known;
    const created = new UnsyncedFile();
    this.#files.set(path, created);
    return created;
  }

  dieAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  /** A process begins; calls work again. */
  beginProcess(): void {
    this.#callsLeft = undefined;
  }

  get isDead(): boolean {
    return this.#callsLeft === 0;
  }

  write(file: UnsyncedFile, source: Uint8Array, offset: number): DiskFailure | undefined {
    if (this.#meetsDeath()) return "dead";
    if (this.isFull && offset + source.length > file.size) return "full";
    file.write(source, offset);
    return undefined;
  }

  truncate(file: UnsyncedFile, size: number): DiskFailure | undefined {
    if (this.#meetsDeath()) return "dead";
    file.truncate(size);
    return undefined;
  }

  sync(file: UnsyncedFile): DiskFailure | undefined {
    if (this.#meetsDeath()) return "dead";
    if (this.ignoresSyncs) return undefined;
    file.sync();
    // A journalling file system has what happened to names before on the disk as well.
    this.#removed.clear();
    return undefined;
  }

  /** `isDurable`: the folder is synced too. */
  remove(path: string, isDurable: boolean): DiskFailure | undefined {
    if (this.#meetsDeath()) return "dead";
    const file = this.#files.get(path);
    this.#files.delete(path);
    if (file && !isDurable) this.#removed.set(path, file);
    return undefined;
  }

  losePower(): void {
    for (const [path, file] of this.#removed)
      if (!this.#files.has(path) && this.#random.chance(0.5)) this.#files.set(path, file);
    this.#removed.clear();
    for (const [path, file] of this.#files) {
      const isThere = file.isSynced || this.#random.chance(0.5);
      file.losePower(this.#random);
      if (!isThere) this.#files.delete(path);
    }
  }

  #meetsDeath(): boolean {
    if (this.#callsLeft === undefined) return false;
    if (this.#callsLeft === 0) return true;
    this.#callsLeft--;
    return false;
  }
}
