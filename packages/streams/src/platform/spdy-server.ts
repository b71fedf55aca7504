import { Duplex, type TransformOptions } from "node:stream";
import { createInflate, type Inflate, type ZlibOptions } from "node:zlib";
import { frameInvalid } from "../errors.ts";
import {
  encodeRstStream,
  encodeSpdyControl,
  encodeSpdyData,
  encodeSynReply,
  FLAG_FIN,
  type SpdyEvent,
  SpdyFrameReader,
  spdyTypes,
} from "../remotecommand/spdy-frame.ts";
import { decodeSpdyHeaders, spdyDictionary } from "../remotecommand/spdy-headers.ts";
import { writeSocket } from "./join-socket.ts";

/** Of one connection: exec has five, port-forward two for each connection that is open. */
const MOST_STREAMS = 256;
/** Of one stream may wait unread; then nothing more is read from the connection. */
const WINDOW_BYTES = 256 * 1024;
const LARGEST_HEADERS_BYTES = 64 * 1024;
/** The stream id, the associated one, priority and slot stand before the headers of a new stream. */
const SYN_STREAM_HEAD_BYTES = 10;
const LINGER_MS = 5_000;
const REFUSED_STREAM = 3;
const CANCEL = 5;

/** A stream that the client has opened. Destroying it before both sides have ended resets it. */
export class SpdyStream extends Duplex {
  readonly headers: ReadonlyMap<string, string>;
  readonly #id: number;
  readonly #send: (frame: Uint8Array) => Promise<void>;
  #room: PromiseWithResolvers<void> | undefined;
  #hasAllRead = false;
  #hasAllSent = false;

  constructor(id: number, headers: ReadonlyMap<string, string>, send: (frame: Uint8Array) => Promise<void>) {
    super({ allowHalfOpen: true, readableHighWaterMark: WINDOW_BYTES });
    this.headers = headers;
    this.#id = id;
    this.#send = send;
    this.on("error", () => undefined); // Its user may not listen yet; `close` tells it too.
  }

  /** What has come for it; resolves when more may come. */
  async receive(bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.destroyed || this.#hasAllRead) return;
    const hasRoom = bytes.length === 0 || this.push(Buffer.from(bytes));
    if (isLast) {
      this.#hasAllRead = true;
      this.push(null);
    } else if (!hasRoom) {
      this.#room = Promise.withResolvers<void>();
      await this.#room.promise;
    }
  }

  override _read(): void {
    this.#room?.resolve();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#send(encodeSpdyData(this.#id, chunk, false)).then(() => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#hasAllSent = true;
    void this.#send(encodeSpdyData(this.#id, new Uint8Array(), true)).then(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#room?.resolve();
    if (!this.#hasAllRead || !this.#hasAllSent) void this.#send(encodeRstStream(this.#id, CANCEL));
    done(error);
  }
}

/**
 * The server's side of a SPDY/3.1 connection, as far as kubectl and the Kubernetes API server use one: the client opens
 * streams, each is accepted and told. Without SPDY's windows, which they do not use: a stream that nobody reads holds up
 * its connection.
 */
export class SpdyServer {
  readonly #socket: Duplex;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate: Inflate;
  #hasReplied = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    const options: ZlibOptions & TransformOptions = {
      dictionary: spdyDictionary(),
      readableHighWaterMark: LARGEST_HEADERS_BYTES,
    };
    this.#inflate = createInflate(options);
    this.#inflate.on("error", () => undefined); // Told to who waits for headers.
  }

  /** Serves until the connection has ended; what is open then is destroyed. Never rejects. */
  async serve(): Promise<void> {
    const reader = new SpdyFrameReader();
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.once("close", () => this.#destroyStreams());
    try {
      for await (const bytes of this.#socket as AsyncIterable<Uint8Array>)
        for (const event of reader.read(bytes)) await this.#take(event);
    } catch {
      // Not SPDY, or cut: either way it is over.
    }
    clearTimeout(this.#linger);
    this.#destroyStreams();
    this.#inflate.destroy();
    this.#socket.destroy();
  }

  /** Ends the connection once all is sent that was written; a client that does not end it too is cut. */
  close(): void {
    if (this.#socket.destroyed) return;
    this.#socket.end();
    this.#linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
  }

  #destroyStreams(): void {
    for (const stream of this.#streams.values()) stream.destroy();
  }

  async #take(event: SpdyEvent): Promise<void> {
    if (event.kind === "data") {
      await this.#streams.get(event.streamId)?.receive(event.bytes, event.isLast);
      return;
    }
    const { type, flags, payload } = event;
    if (type === spdyTypes.ping) await this.#send(encodeSpdyControl(spdyTypes.ping, payload));
    if (type === spdyTypes.rstStream && payload.length >= 4) this.#streams.get(streamIdOf(payload))?.destroy();
    if (type === spdyTypes.synStream) await this.#open(payload, (flags & FLAG_FIN) !== 0);
  }

  async #open(payload: Uint8Array, isLast: boolean): Promise<void> {
    if (payload.length < SYN_STREAM_HEAD_BYTES) throw frameInvalid("a new stream without headers");
    const id = streamIdOf(payload);
    // Also of a stream that is refused: all headers are one compressed text.
    const headers = decodeSpdyHeaders(await this.#inflated(payload.subarray(SYN_STREAM_HEAD_BYTES)));
    if (this.#streams.has(id) || this.#streams.size >= MOST_STREAMS) {
      await this.#send(encodeRstStream(id, REFUSED_STREAM));
      return;
    }
    const stream = new SpdyStream(id, headers, (frame) => this.#send(frame));
    this.#streams.set(id, stream);
    stream.once("close", () => this.#streams.delete(id));
    const isFirst = !this.#hasReplied;
    this.#hasReplied = true;
    await this.#send(encodeSynReply(id, isFirst));
    this.#onStream(stream);
    if (isLast) await stream.receive(new Uint8Array(), true);
  }

  #inflated(block: Uint8Array): Promise<Uint8Array> {
    const inflate = this.#inflate;
    return new Promise((resolve, reject) => {
      const end = (error?: Error | null): void => {
        inflate.off("error", end);
        inflate.off("readable", onReadable);
        if (error) reject(error);
        else resolve((inflate.read() as Buffer | null) ?? new Uint8Array());
      };
      // Full, it would wait for a reader, and the block would never be done.
      const onReadable = (): void => {
        if (inflate.readableLength >= LARGEST_HEADERS_BYTES) end(frameInvalid("its headers are too large"));
      };
      inflate.once("error", end);
      inflate.on("readable", onReadable);
      inflate.write(block, end);
    });
  }

  #send(frame: Uint8Array): Promise<void> {
    return writeSocket(this.#socket, frame);
  }
}

function streamIdOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0) & 0x7f_ff_ff_ff;
}
