import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Sizes of a log on disk: at most `limitBytes` times `files`. */
export interface LogLimits {
  /** @default 5 MiB */
  readonly limitBytes?: number;
  /** The current file and older ones (`x.log.1`, …). @default 3 */
  readonly files?: number;
}

/** A log file that starts anew when it is full and keeps a few older ones. Lines lost to a full disk are counted. */
export class RotatingLog implements Disposable {
  readonly path: string;
  readonly #limitBytes: number;
  readonly #files: number;
  #file: number;
  #sizeBytes: number;
  #lostWrites = 0;

  constructor(path: string, limits: LogLimits = {}) {
    this.path = path;
    this.#limitBytes = limits.limitBytes ?? 5 * 1024 * 1024;
    this.#files = limits.files ?? 3;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, "a", 0o640);
    this.#sizeBytes = fstatSync(this.#file).size;
  }

  /** How many writes the disk refused. */
  get lostWrites(): number {
    return this.#lostWrites;
  }

  write(chunk: Uint8Array): void {
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + chunk.byteLength > this.#limitBytes) this.#rotate();
      writeSync(this.#file, chunk);
      this.#sizeBytes += chunk.byteLength;
    } catch {
      this.#lostWrites += 1; // A log must never stop what it describes.
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    rmSync(this.#older(this.#files - 1), { force: true });
    for (let age = this.#files - 2; age >= 0; age--)
      if (existsSync(this.#older(age))) renameSync(this.#older(age), this.#older(age + 1));
    // The old file is closed last: where no new one can be made, its number must not become another file's.
    const file = openSync(this.path, "a", 0o640);
    closeSync(this.#file);
    this.#file = file;
    this.#sizeBytes = 0;
  }

  #older(age: number): string {
    return age === 0 ? this.path : `${this.path}.${age}`;
  }
}
