/** Chunks of bytes in order, with a limit on their sum. */
export class BoundedByteQueue {
  readonly limitBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds a chunk; returns false, and adds nothing, when it would go beyond the limit. */
  push(chunk: Uint8Array): boolean {
    if (this.#sizeBytes + chunk.length > this.limitBytes) return false;
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    return true;
  }

  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    this.#sizeBytes -= chunk?.length ?? 0;
    return chunk;
  }
}
