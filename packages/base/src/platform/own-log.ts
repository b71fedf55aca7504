import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import { createLogger } from "./json-line-logger.ts";
import { RotatingLog } from "./rotating-log.ts";

const LIMIT_BYTES = 2 * 1024 * 1024;

/**
 * A component's own log, in plain words and in the form in which container runtimes keep logs, so that `kubectl logs`
 * can show it. It outlives restarts; of more than 4 MiB the oldest half is dropped.
 */
export class OwnLog implements Disposable {
  /** Holds `0.log` and, once that was full, `0.log.1`. */
  readonly folder: string;
  /** Writes there. */
  readonly logger: Logger;
  readonly #file: RotatingLog;

  /** @throws Error of the file system when the folder or file cannot be made */
  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#file = new RotatingLog(join(folder, "0.log"), { limitBytes: LIMIT_BYTES, files: 2 });
    const encoder = new TextEncoder();
    this.logger = createLogger({
      clock,
      format: "text",
      times: false,
      write: (line) => this.#file.write(encoder.encode(criEntry(new Date(clock.now()), line))),
    });
  }

  /** Lines that the disk refused. */
  get lostLines(): number {
    return this.#file.lostWrites;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Each line of a text is an entry: a stack trace in an error is several. */
function criEntry(time: Date, text: string): string {
  return text
    .split("\n")
    .map((line) => `${time.toISOString().replace("Z", "000000Z")} stdout F ${line}\n`)
    .join("");
}
