/** Why a body is not read to its end. */
export type BodyRefusal = "too-large" | "no-room";

/**
 * What all bodies together that are read at a port and worked on may take of the memory: a limit for each of them is not
 * enough where there may be many connections.
 */
export class BodyRoom {
  readonly #limitBytes: number;
  #heldBytes = 0;
  #refused = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bodies for which there was no room. */
  get refused(): number {
    return this.#refused;
  }

  /** Reads a body of at most so many bytes. It has its room until `use` has settled. */
  async read<T>(
    chunks: AsyncIterable<Uint8Array>,
    limitBytes: number,
    use: (body: Uint8Array<ArrayBuffer> | BodyRefusal) => Promise<T>,
  ): Promise<T> {
    const read: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of chunks) {
        if (sizeBytes + chunk.byteLength > limitBytes) return await use("too-large");
        if (this.#heldBytes + chunk.byteLength > this.#limitBytes) {
          this.#refused++;
          return await use("no-room");
        }
        sizeBytes += chunk.byteLength;
        this.#heldBytes += chunk.byteLength;
        read.push(chunk);
      }
      return await use(new Uint8Array(Buffer.concat(read)));
    } finally {
      this.#heldBytes -= sizeBytes;
    }
  }
}
