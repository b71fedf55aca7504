import type { LogOptions } from "./log-options.ts";

const NEWLINE = 10;
const SPACE = 32;
/** The first letter of `stdout` and `stderr`, and their length. */
const STREAM_LETTER = 115;
const STREAM_BYTES = 6;
const PARTIAL = 80;
const FULL = 70;
/** No runtime writes longer entries (containerd's limit is 16 KiB); what is longer is taken in pieces. */
const MAX_ENTRY_BYTES = 1024 * 1024;

/**
 * Turns blocks of a log in CRI's format (`<time> <stream> <tags> <content>`, a line an entry) into what `kubectl logs`
 * prints. A block has hundreds of entries and EdgeCore runs without a compiler, so entries are moved together within the
 * block's own memory, with a few calls each and no objects. What is no entry is printed as it is.
 */
export class LogFormatter {
  readonly #timestamps: boolean;
  readonly #sinceMs: number | undefined;
  /** Bytes that may still be printed. */
  #budgetBytes: number;
  /** The beginning of an entry whose end has not come yet. */
  #rest: Uint8Array = new Uint8Array();
  /** Whether the container's line goes on in the next entry. */
  #withinLine = false;
  /** Length of the longest time so far: nine in ten have it, of the others the runtime has left out the last zeros. */
  #timeBytes = 0;

  constructor({ timestamps, sinceMs, limitBytes }: Pick<LogOptions, "timestamps" | "sinceMs" | "limitBytes">) {
    this.#timestamps = timestamps;
    this.#sinceMs = sinceMs;
    this.#budgetBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the limit of bytes has been printed. */
  get isFull(): boolean {
    return this.#budgetBytes <= 0;
  }

  /** What is to be printed of a block, in the memory of the block, which is the formatter's from now on. */
  format(block: Uint8Array): Uint8Array {
    const bytes = this.#rest.length === 0 ? block : joined(this.#rest, block);
    let size = 0;
    let start = 0;
    let contentBytes = this.#usualHeadBytes();
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const content = start + contentBytes;
      // A whole line whose time has the usual length. Anything else takes twice as long.
      if (
        content <= end &&
        bytes[content - 1] === SPACE &&
        bytes[content - 2] === FULL &&
        bytes[content - 3] === SPACE &&
        bytes[content - 9] === STREAM_LETTER &&
        bytes[content - 10] === SPACE
      ) {
        bytes.copyWithin(size, content, end + 1);
        size += end + 1 - content;
      } else {
        size = this.#print(bytes, start, end, size);
        contentBytes = this.#usualHeadBytes();
      }
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > MAX_ENTRY_BYTES) {
      this.#withinLine = true;
      bytes.copyWithin(size, start);
      size += this.#rest.length;
      this.#rest = new Uint8Array();
    }
    const printed = bytes.subarray(0, Math.min(size, this.#budgetBytes));
    this.#budgetBytes -= printed.length;
    return printed;
  }

  /** Length of the head of a whole line with a time of the usual length; endless where the next entry is not to be so. */
  #usualHeadBytes(): number {
    const isPlain = !this.#timestamps && this.#sinceMs === undefined && !this.#withinLine && this.#timeBytes > 0;
    return isPlain ? this.#timeBytes + STREAM_BYTES + 4 : Number.POSITIVE_INFINITY;
  }

  /** Moves what is printed of the entry to `size`, which is never behind it; returns where it ends then. */
  #print(bytes: Uint8Array, start: number, end: number, size: number): number {
    const timeEnd = this.#endOfTime(bytes, start, end);
    const tagsStart = timeEnd + STREAM_BYTES + 2;
    const isEntry = timeEnd >= 0 && tagsStart < end;
    const startsLine = !this.#withinLine;
    this.#withinLine = isEntry && bytes[tagsStart] === PARTIAL;
    if (this.#sinceMs !== undefined) {
      const time = isEntry ? Date.parse(new TextDecoder().decode(bytes.subarray(start, timeEnd))) : Number.NaN;
      if (time < this.#sinceMs) return size;
    }
    let printed = size;
    if (this.#timestamps && startsLine && isEntry) {
      bytes.copyWithin(printed, start, timeEnd + 1); // With the space behind it.
      printed += timeEnd + 1 - start;
    }
    const contentStart = isEntry ? endOfTags(bytes, tagsStart, end) : start;
    const contentEnd = this.#withinLine ? end : end + 1;
    bytes.copyWithin(printed, contentStart, contentEnd);
    return printed + contentEnd - contentStart;
  }

  /** Where the entry's time ends; -1 when it is no entry. */
  #endOfTime(bytes: Uint8Array, start: number, end: number): number {
    const likely = start + this.#timeBytes;
    if (this.#timeBytes > 0 && isTimeEnd(bytes, likely, end)) return likely;
    const timeEnd = bytes.indexOf(SPACE, start);
    if (timeEnd < 0 || !isTimeEnd(bytes, timeEnd, end)) return -1;
    this.#timeBytes = Math.max(this.#timeBytes, timeEnd - start);
    return timeEnd;
  }
}

/** Whether ` stdout ` or ` stderr ` follows at this place. */
function isTimeEnd(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + STREAM_BYTES + 1 < end &&
    bytes[at] === SPACE &&
    bytes[at + 1] === STREAM_LETTER &&
    bytes[at + STREAM_BYTES + 1] === SPACE
  );
}

/** Where the content begins: tags are followed by a space, or by nothing when the content is empty. */
function endOfTags(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start + 1] === SPACE) return Math.min(start + 2, end);
  const space = bytes.indexOf(SPACE, start);
  return space < 0 || space >= end ? end : space + 1;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}
