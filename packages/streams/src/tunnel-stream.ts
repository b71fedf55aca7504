import { BoundedByteQueue } from "./byte-queue.ts";
import { streamClosed, windowExceeded } from "./errors.ts";

/** One stream of bytes in both directions, with back-pressure. */
export interface ByteStream {
  /** Aborted when the other side or the tunnel has ended the stream; what came before can still be read. */
  readonly closed: AbortSignal;
  /** The next bytes; undefined at the end. @throws SkerryError `STREAMS_CLOSED` when it broke off */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when there is room for more. @throws SkerryError `STREAMS_CLOSED` */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the stream in both directions; what was written is still delivered. */
  close(): void;
}

/** How a stream reaches its tunnel. */
export interface StreamPort {
  /** Sends data; the caller has cut it to frames and has the window for it. */
  sendData(bytes: Uint8Array): void;
  /** Tells the peer that there is room for more; does nothing where the peer knows no windows. */
  sendWindow(bytes: number): void;
  sendRemove(): void;
  /** Resolves at once, or when the tunnel's connection has taken most of what waits. */
  whenDrained(): Promise<void>;
  forget(): void;
}

/** Bytes that may wait unread on each side of a stream. Small enough that 64 streams cost a node 16 MiB at worst. */
export const WINDOW_BYTES: number = 256 * 1024;
/** Larger frames of one stream would delay all others of the tunnel; smaller ones cost a node more by the megabyte. */
const MAX_DATA_BYTES = 64 * 1024;

/** A stream of a {@link Multiplexer}. */
export class TunnelStream implements ByteStream {
  readonly #port: StreamPort;
  readonly #closing = new AbortController();
  readonly #incoming: BoundedByteQueue;
  /** Bytes that the peer has room for; infinite where it does not say. */
  #credit: number;
  #consumedBytes = 0;
  #ended = false;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(port: StreamPort, hasWindows: boolean, receiveLimitBytes: number) {
    this.#port = port;
    this.#credit = hasWindows ? WINDOW_BYTES : Number.POSITIVE_INFINITY;
    this.#incoming = new BoundedByteQueue(receiveLimitBytes);
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Bytes that came and were not read yet. */
  get waitingBytes(): number {
    return this.#incoming.sizeBytes;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#incoming.shift();
      if (bytes) {
        this.#consumedBytes += bytes.length;
        if (this.#consumedBytes >= WINDOW_BYTES / 2 && !this.#ended) {
          this.#port.sendWindow(this.#consumedBytes);
          this.#consumedBytes = 0;
        }
        return bytes;
      }
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  /** Writes follow one another, so that two writers never mix the parts of what they write. */
  write(bytes: Uint8Array): Promise<void> {
    const result = this.#writing.then(() => this.#write(bytes));
    this.#writing = result.catch(() => undefined);
    return result;
  }

  close(): void {
    if (this.#ended) return;
    this.#end();
    this.#port.sendRemove();
  }

  /** The peer's data came. */
  receive(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    if (this.#incoming.push(bytes)) this.#wakeReader?.();
    else this.exceed(this.#incoming.limitBytes);
  }

  /** More waits than may: the stream is over. */
  exceed(limitBytes: number): void {
    if (this.#ended) return;
    this.#failure = windowExceeded(limitBytes);
    this.close();
  }

  /** The peer has room for more. */
  addCredit(bytes: number): void {
    // No honest peer grants more than one window at a time.
    this.#credit = Math.min(this.#credit + bytes, WINDOW_BYTES);
    this.#wakeWriter?.();
  }

  /** The peer has ended the stream, or, with a failure, the tunnel has ended. */
  finish(failure?: Error): void {
    if (this.#ended) return;
    this.#failure = failure;
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#port.forget();
    this.#closing.abort(this.#failure ?? streamClosed("it was ended"));
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      while (this.#credit <= 0 && !this.#ended)
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
      await this.#port.whenDrained();
      if (this.#ended) throw this.#failure ?? streamClosed("the other side has ended it");
      const size = Math.min(bytes.length - at, MAX_DATA_BYTES, this.#credit);
      this.#credit -= size;
      this.#port.sendData(bytes.subarray(at, at + size));
      at += size;
    }
  }
}
