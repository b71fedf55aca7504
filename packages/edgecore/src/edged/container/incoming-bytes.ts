import type { IncomingPart } from "../ports.ts";

const MOST_PARTS = 2000;

interface KnownPart {
  receivedBytes: number;
  totalBytes: number;
  /** It has begun, or moved, since the first look; else it may lie there since a pull that was given up long ago. */
  counts: boolean;
}

/** Adds up what has arrived, over parts that come and go; the runtime lists only those that are on their way now. */
export class IncomingBytes {
  readonly #parts = new Map<string, KnownPart>();
  #isFirstLook = true;
  /** A pull has failed since the last look, so what has vanished may have gone with it. */
  #hasFailed = false;

  /** Takes a list of all parts on their way; returns whether anything has arrived since the last one. */
  look(listed: readonly IncomingPart[]): boolean {
    let moved = false;
    const gone = new Set(this.#parts.keys());
    for (const { ref, receivedBytes, totalBytes } of listed) {
      gone.delete(ref);
      const known = this.#parts.get(ref);
      const hasMoved = known ? receivedBytes > known.receivedBytes : !this.#isFirstLook;
      moved ||= hasMoved;
      if (!known && this.#parts.size >= MOST_PARTS) continue;
      this.#parts.set(ref, { receivedBytes, totalBytes, counts: hasMoved || (known?.counts ?? false) });
    }
    for (const ref of gone) {
      const part = this.#parts.get(ref);
      if (!part || part.receivedBytes >= part.totalBytes) continue;
      if (this.#hasFailed) {
        this.#parts.delete(ref);
        continue;
      }
      // No longer listed: it is there whole.
      part.receivedBytes = part.totalBytes;
      part.counts = true;
      moved = true;
    }
    this.#isFirstLook = false;
    this.#hasFailed = false;
    return moved;
  }

  /** A pull has failed: its parts go without being there, and nobody tells which were its. */
  pullFailed(): void {
    this.#hasFailed = true;
  }

  /** Bytes of all parts that have begun; no total where the registry does not tell a part's. */
  get sum(): { readonly receivedBytes: number; readonly totalBytes: number | undefined } {
    const counted = [...this.#parts.values()].filter(({ counts }) => counts);
    const add = (of: (part: KnownPart) => number): number => counted.reduce((sum, part) => sum + of(part), 0);
    const isTotalKnown = counted.length > 0 && counted.every(({ totalBytes }) => totalBytes > 0);
    return {
      receivedBytes: add(({ receivedBytes }) => receivedBytes),
      totalBytes: isTotalKnown ? add(({ totalBytes }) => totalBytes) : undefined,
    };
  }

  /** The next look begins anew. */
  clear(): void {
    this.#parts.clear();
    this.#isFirstLook = true;
    this.#hasFailed = false;
  }
}
