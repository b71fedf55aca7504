import type { SeededRandom } from "../world/seeded-random.ts";

/** What a disk writes at once; a page of a database is several. */
const SECTOR_BYTES = 512;
const GROWTH_BYTES = 64 * 1024;

/** A change that is not on the disk yet: what was there before it and what is there since. */
interface Change {
  readonly offset: number;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * A file as the kernel shows it. What was written since the last sync is in the kernel's cache only: when the power goes,
 * each sector of it is on the disk or not, whatever the order in which it was written, and one may be there in part.
 */
export class UnsyncedFile {
  #bytes = new Uint8Array(GROWTH_BYTES);
  #size = 0;
  #changes: Change[] = [];
  #isSynced = false;

  get size(): number {
    return this.#size;
  }

  /** Whether anything of it was ever synced; until then not even its name is on the disk for certain. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Fills `target` from `offset` on; what is beyond the end is zeros. Returns the bytes that were there. */
  read(target: Uint8Array, offset: number): number {
    const found = this.#bytes.subarray(offset, Math.min(this.#size, offset + target.length));
    target.fill(0);
    target.set(found);
    return found.length;
  }

  write(source: Uint8Array, offset: number): void {
    const end = offset + source.length;
    this.#change({
      offset,
      sizeBefore: this.#size,
      sizeAfter: Math.max(this.#size, end),
      before: this.#piece(offset, end),
      after: source.slice(),
    });
  }

  truncate(size: number): void {
    const before = this.#piece(size, this.#size);
    const after = new Uint8Array(before.length);
    this.#change({ offset: size, sizeBefore: this.#size, sizeAfter: size, before, after });
  }

  /** All of it is on the disk. */
  sync(): void {
    this.#changes = [];
    this.#isSynced = true;
  }

  /** What the disk has of it comes to light. */
  losePower(random: SeededRandom): void {
    const changes = this.#changes;
    for (const { offset, sizeBefore, before } of changes.toReversed()) this.#put(offset, before, sizeBefore);
    for (const { offset, sizeAfter, after } of changes) {
      if (after.length === 0 || sizeAfter < offset + after.length) {
        if (random.chance(0.5)) this.#put(offset, after, sizeAfter);
        continue;
      }
      for (let at = offset; at < offset + after.length; ) {
        const end = Math.min(offset + after.length, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
        const kept = random.chance(0.5) ? end - at : random.chance(0.1) ? random.between(0, end - at) : 0;
        if (kept > 0) this.#put(at, after.subarray(at - offset, at - offset + kept), Math.max(this.#size, at + kept));
        at = end;
      }
    }
    this.sync();
  }

  /** The whole content. */
  content(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  #piece(from: number, to: number): Uint8Array {
    const piece = new Uint8Array(Math.max(0, to - from));
    this.read(piece, from);
    return piece;
  }

  #change(change: Change): void {
    this.#changes.push(change);
    this.#put(change.offset, change.after, change.sizeAfter);
  }

  #put(offset: number, bytes: Uint8Array, size: number): void {
    const end = offset + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, end));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, offset);
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }
}
