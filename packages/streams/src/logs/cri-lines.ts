/** One entry of a log in CRI's format: `<time> <stream> <tags> <content>`. */
export interface CriLine {
  /** RFC 3339 with nanoseconds, as the runtime wrote it. */
  readonly time: string;
  readonly content: Uint8Array;
  /** Whether the container's line goes on in the next entry. */
  readonly isPartial: boolean;
}

const NEWLINE = 10;
const SPACE = 32;
/** No runtime writes longer entries (containerd's limit is 16 KiB); what is longer is taken in pieces. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Splits a log into its entries, whatever the blocks it comes in. What is no entry comes as content without a time. */
export class CriLineSplitter {
  #rest: Uint8Array = new Uint8Array();

  push(block: Uint8Array): CriLine[] {
    const bytes = this.#rest.length === 0 ? block : joined(this.#rest, block);
    const lines: CriLine[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(parseCriLine(bytes.subarray(start, end)));
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > MAX_LINE_BYTES) {
      lines.push({ time: "", content: this.#rest, isPartial: true });
      this.#rest = new Uint8Array();
    }
    return lines;
  }
}

function parseCriLine(line: Uint8Array): CriLine {
  const afterTime = line.indexOf(SPACE);
  const afterStream = afterTime < 0 ? -1 : line.indexOf(SPACE, afterTime + 1);
  const tagsStart = afterStream + 1;
  const tagsEnd = afterStream < 0 ? -1 : endOfTags(line, tagsStart);
  if (tagsEnd < 0) return { time: "", content: line, isPartial: false };
  return {
    time: new TextDecoder().decode(line.subarray(0, afterTime)),
    content: line.subarray(Math.min(tagsEnd + 1, line.length)),
    isPartial: line[tagsStart] === 80, // "P"
  };
}

/** Tags are followed by a space, or by nothing when the content is empty. */
function endOfTags(line: Uint8Array, start: number): number {
  if (start >= line.length) return -1;
  const end = line.indexOf(SPACE, start);
  return end < 0 ? line.length : end;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}
