/** Small chunks are gathered in blocks of so many bytes: each chunk by itself costs more than a hundred. */
const BLOCK_BYTES = 4 * 1024;

/** Chunks of bytes in order, with a limit on their sum; how they were cut is not kept. */
export class BoundedByteQueue {
  readonly limitBytes: number;
  readonly #chunks: Uint8Array[] = [];
  /** The last chunk is the beginning of it, when there is room for more. */
  #block: { readonly bytes: Uint8Array; usedBytes: number } | undefined;
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Adds a chunk, whose bytes must not change any more; returns false, and adds nothing, when it would go beyond the limit.
   * What is a small part of the memory that it lies in is copied, so that not all of that is kept.
   */
  push(chunk: Uint8Array): boolean {
    if (this.#sizeBytes + chunk.length > this.limitBytes) return false;
    this.#sizeBytes += chunk.length;
    if (chunk.length >= BLOCK_BYTES || this.#chunks.length === 0) {
      this.#chunks.push(chunk.length > chunk.buffer.byteLength / 2 ? chunk : chunk.slice());
      this.#block = undefined;
      return true;
    }
    if (!this.#block || this.#block.usedBytes + chunk.length > BLOCK_BYTES) {
      this.#block = { bytes: new Uint8Array(BLOCK_BYTES), usedBytes: 0 };
      this.#chunks.push(this.#block.bytes.subarray(0, 0));
    }
    const block = this.#block;
    block.bytes.set(chunk, block.usedBytes);
    block.usedBytes += chunk.length;
    this.#chunks[this.#chunks.length - 1] = block.bytes.subarray(0, block.usedBytes);
    return true;
  }

  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (this.#chunks.length === 0) this.#block = undefined;
    this.#sizeBytes -= chunk?.length ?? 0;
    return chunk;
  }
}
