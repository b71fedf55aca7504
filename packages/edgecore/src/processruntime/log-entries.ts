/** Longer lines are cut into entries of this size, as container runtimes do. */
const LONGEST_ENTRY_BYTES = 16 * 1024;
const LINE_END = 10;

/** Turns a container's output into entries of the container runtimes' log form: `time stream P|F text`. */
export class LogEntries {
  readonly #stream: "stdout" | "stderr";
  #open: Buffer[] = [];
  #openBytes = 0;

  constructor(stream: "stdout" | "stderr") {
    this.#stream = stream;
  }

  /** The entries that this piece completes. */
  take(chunk: Buffer, nowMs: number): Buffer[] {
    const entries: Buffer[] = [];
    for (let from = 0; from < chunk.length; ) {
      const lineEnd = chunk.indexOf(LINE_END, from);
      const until = Math.min(lineEnd < 0 ? chunk.length : lineEnd, from + LONGEST_ENTRY_BYTES - this.#openBytes);
      this.#open.push(chunk.subarray(from, until));
      this.#openBytes += until - from;
      if (until === lineEnd) entries.push(this.#entry("F", nowMs));
      else if (this.#openBytes >= LONGEST_ENTRY_BYTES) entries.push(this.#entry("P", nowMs));
      from = until === lineEnd ? until + 1 : until;
    }
    // What stays open must not hold on to the whole piece it came in.
    if (this.#openBytes > 0) this.#open = [Buffer.from(Buffer.concat(this.#open))];
    return entries;
  }

  /** The last line, when it has no end. */
  finish(nowMs: number): Buffer[] {
    return this.#openBytes > 0 ? [this.#entry("F", nowMs)] : [];
  }

  #entry(tag: "F" | "P", nowMs: number): Buffer {
    const time = new Date(nowMs).toISOString().replace("Z", "000000Z");
    const entry = Buffer.concat([Buffer.from(`${time} ${this.#stream} ${tag} `), ...this.#open, Buffer.from("\n")]);
    this.#open = [];
    this.#openBytes = 0;
    return entry;
  }
}
