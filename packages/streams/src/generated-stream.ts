import type { ByteStream } from "./tunnel-stream.ts";

/** A stream that is read from a generator of this process; what is written to it goes nowhere. */
export class GeneratedStream implements ByteStream {
  readonly #closing = new AbortController();
  readonly #blocks: AsyncIterator<Uint8Array>;

  /** @param generate its signal is aborted when the stream is closed */
  constructor(generate: (signal: AbortSignal) => AsyncIterable<Uint8Array>) {
    this.#blocks = generate(this.#closing.signal)[Symbol.asyncIterator]();
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  async read(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#blocks.next();
    return done ? undefined : value;
  }

  async write(): Promise<void> {}

  close(): void {
    this.#closing.abort();
  }
}
