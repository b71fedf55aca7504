import { type Clock, describeError, type Logger, type RateLimit, type Timer, TokenBucket } from "@skerry/base";
import {
  type ConnectRequest,
  connectFrameType,
  connectKind,
  decodeConnectRequest,
  encodeConnectRequest,
  type StreamKind,
} from "./connect-request.ts";
import { streamClosed, tooManyStreams } from "./errors.ts";
import { decodeFrame, decodeVarint, encodeFrame, encodeVarint, type Frame, frameTypes } from "./frame.ts";
import type { FrameConnection } from "./transport.ts";
import { type ByteStream, type StreamPort, TunnelStream, WINDOW_BYTES } from "./tunnel-stream.ts";

export interface MultiplexerOptions {
  readonly connection: FrameConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Edge side: serves a stream that the cloud opened; the cloud serves none. */
  readonly serve?: (request: ConnectRequest, stream: ByteStream) => Promise<void>;
  /** Streams open at once. @default 64 */
  readonly maxStreams?: number;
}

/** What passed a tunnel. */
export interface MultiplexerStatus {
  readonly openStreams: number;
  /** All that were ever opened. */
  readonly openedStreams: number;
  readonly refusedStreams: number;
  /** What came and was not read yet, of all streams. */
  readonly waitingBytes: number;
  /** Frames that no stream wanted: late ones, and types of a newer peer. */
  readonly ignoredFrames: number;
}

const DEFAULT_MAX_STREAMS = 64;
/** What a stream is for, as far as the limits are concerned. */
type StreamClass = "logs" | "metrics" | "processes";
/** Of the streams of one tunnel that one class may take, metrics apart. */
const SHARE_OF_CLASS = 0.75;
/** While more waits to be sent, writers wait: the tunnel's own back-pressure. What waits delays all other streams. */
const HIGH_WATER_BYTES = 128 * 1024;
/** What a KubeEdge edge, which knows no windows, may have waiting for a slow reader before its stream is ended. */
const KUBEEDGE_RECEIVE_LIMIT_BYTES = 4 * 1024 * 1024;
/** And all streams of it together: as much as those of one that knows windows. */
const KUBEEDGE_TOTAL_LIMIT_BYTES = 16 * 1024 * 1024;
const PING_PERIOD_MS = 5_000;
/** A peer that is silent for so long is gone. */
const SILENCE_LIMIT_MS = 15_000;
/**
 * Pings and frames that bring no stream any data. Late ones come when a stream was ended from here; a peer that sends more
 * only keeps this side busy, and what it is answered piles up when it does not read.
 */
const EMPTY_RATE: RateLimit = { burst: 10_000, perSecond: 4_000 };
/**
 * KubeEdge's CloudStream takes a tunnel and reads nothing of it until it has found the Node, every 20 s for two minutes. A
 * tunnel that is given up before that is entered as the node's all the same, in place of the one that followed it.
 */
const KUBEEDGE_FIRST_SIGN_LIMIT_MS = 150_000;

/**
 * The streams of one tunnel. Each stream has its own window, so that one whose reader is slow never holds up the others
 * (security.md S19); the tunnel lives as long as its connection.
 */
export class Multiplexer {
  readonly #options: MultiplexerOptions;
  readonly #connection: FrameConnection;
  readonly #streams = new Map<number, TunnelStream>();
  /** Open streams of this side, by what they are for. */
  readonly #openOf = new Map<StreamClass, number>();
  readonly #drainWaiters: (() => void)[] = [];
  readonly #ended = new AbortController();
  readonly #emptyRate: TokenBucket;
  #nextId = 1;
  #openedStreams = 0;
  #refusedStreams = 0;
  #ignoredFrames = 0;
  #lastSignMs: number;
  #silenceLimitMs: number;
  #timer: Timer | undefined;

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    this.#connection = options.connection;
    this.#lastSignMs = options.clock.monotonicMs();
    this.#emptyRate = new TokenBucket(EMPTY_RATE, this.#lastSignMs);
    const isAtKubeEdgesCloud = options.serve !== undefined && !this.speaksSkerry;
    this.#silenceLimitMs = isAtKubeEdgesCloud ? KUBEEDGE_FIRST_SIGN_LIMIT_MS : SILENCE_LIMIT_MS;
  }

  /** Aborted when the tunnel is over, with the reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get speaksSkerry(): boolean {
    return this.#connection.speaksSkerry;
  }

  get status(): MultiplexerStatus {
    return {
      openStreams: this.#streams.size,
      openedStreams: this.#openedStreams,
      refusedStreams: this.#refusedStreams,
      waitingBytes: this.#waitingBytes(),
      ignoredFrames: this.#ignoredFrames,
    };
  }

  /** Begins to read frames and to watch over the peer. */
  start(): void {
    this.#connection.start({
      onFrame: (bytes) => this.#onFrame(bytes),
      onAlive: () => {
        this.#noteSign();
        this.#countEmpty();
      },
      onDrain: () => this.#wakeWriters(),
      onClose: (reason) => this.#end(reason),
    });
    this.#watch();
  }

  /**
   * Opens a stream to the edge. Logs may take three quarters of what is allowed, and so may streams into processes: who
   * floods a node with one of them leaves room for the others, and for the node's metrics. @throws SkerryError `STREAMS_TOO_MANY`,
   * `STREAMS_CLOSED`
   */
  open(request: ConnectRequest): ByteStream {
    if (this.#ended.signal.aborted) throw streamClosed("the tunnel has ended");
    const limit = this.#options.maxStreams ?? DEFAULT_MAX_STREAMS;
    const streamClass = classOf(request.kind);
    const openOfClass = this.#openOf.get(streamClass) ?? 0;
    const limitOfClass = streamClass === "metrics" ? limit : Math.ceil(limit * SHARE_OF_CLASS);
    if (this.#streams.size >= limit || openOfClass >= limitOfClass) {
      this.#refusedStreams++;
      throw tooManyStreams(openOfClass >= limitOfClass ? limitOfClass : limit);
    }
    const streamId = this.#nextId++;
    const stream = this.#add(streamId);
    this.#openOf.set(streamClass, openOfClass + 1);
    stream.closed.addEventListener("abort", () => {
      this.#openOf.set(streamClass, (this.#openOf.get(streamClass) ?? 1) - 1);
    });
    this.#send({
      streamId,
      type: connectFrameType(request.kind),
      data: encodeConnectRequest(streamId, request),
    });
    return stream;
  }

  /** Ends the tunnel and all its streams. */
  close(reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#connection.close(reason);
    this.#end(reason);
  }

  #onFrame(bytes: Uint8Array): void {
    this.#noteSign();
    try {
      const frame = decodeFrame(bytes);
      if (frame) this.#handle(frame);
      else this.#ignore();
    } catch (error) {
      this.#options.logger.warn("A stream tunnel is closed: what came on it cannot be read", {
        error: describeError(error),
      });
      this.close("a frame could not be read");
    }
  }

  #handle({ streamId, type, data }: Frame): void {
    const kind = connectKind(type);
    if (kind) {
      this.#accept(streamId, decodeConnectRequest(kind, data));
      return;
    }
    if (type === frameTypes.closeConnect && this.#options.serve) {
      this.close(`the cloud ended the tunnel: ${new TextDecoder().decode(data.subarray(0, 200))}`);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (!stream) this.#ignore();
    else if (type === frameTypes.data && data.length > 0) this.#receive(stream, data);
    else if (type === frameTypes.removeConnect) this.#removed(streamId, stream);
    else if (type === frameTypes.window && this.speaksSkerry) {
      this.#countEmpty();
      stream.addCredit(decodeVarint(data, 0).value);
    } else this.#ignore();
  }

  #ignore(): void {
    this.#ignoredFrames++;
    this.#countEmpty();
  }

  #countEmpty(): void {
    if (this.#emptyRate.take(this.#options.clock.monotonicMs()) === 0) return;
    this.close("the other side sends too much that is for no stream");
  }

  #receive(stream: TunnelStream, data: Uint8Array): void {
    if (!this.speaksSkerry) {
      if (this.#waitingBytes() + data.length > KUBEEDGE_TOTAL_LIMIT_BYTES) {
        stream.exceed(KUBEEDGE_TOTAL_LIMIT_BYTES);
        return;
      }
    }
    stream.receive(data);
  }

  #waitingBytes(): number {
    let sum = 0;
    for (const { waitingBytes } of this.#streams.values()) sum += waitingBytes;
    return sum;
  }

  /** KubeEdge's cloud waits for an answer to its end of a stream (security.md 11.6). */
  #removed(streamId: number, stream: TunnelStream): void {
    stream.finish();
    if (this.#options.serve && !this.speaksSkerry) this.#sendRemove(streamId);
  }

  #accept(streamId: number, request: ConnectRequest): void {
    const { serve, logger, maxStreams = DEFAULT_MAX_STREAMS } = this.#options;
    if (!serve || this.#streams.has(streamId) || this.#streams.size >= maxStreams) {
      this.#refusedStreams++;
      // Without `serve` this is the cloud, of which an edge may not ask anything.
      if (!this.#streams.has(streamId)) this.#sendRemove(streamId);
      this.#countEmpty();
      return;
    }
    const stream = this.#add(streamId);
    serve(request, stream)
      .catch((error: unknown) => logger.warn("A stream failed", { path: request.path, error: describeError(error) }))
      .finally(() => stream.close());
  }

  #add(streamId: number): TunnelStream {
    const port: StreamPort = {
      sendData: (data) => this.#send({ streamId, type: frameTypes.data, data }),
      sendWindow: (bytes) => {
        if (!this.speaksSkerry) return;
        this.#send({ streamId, type: frameTypes.window, data: Uint8Array.from(encodeVarint(bytes)) });
      },
      sendRemove: () => this.#sendRemove(streamId),
      whenDrained: () => this.#whenDrained(),
      forget: () => this.#streams.delete(streamId),
    };
    const limitBytes = this.speaksSkerry ? WINDOW_BYTES : KUBEEDGE_RECEIVE_LIMIT_BYTES;
    const stream = new TunnelStream(port, this.speaksSkerry, limitBytes);
    this.#streams.set(streamId, stream);
    this.#openedStreams++;
    return stream;
  }

  #send(frame: Frame): void {
    if (!this.#ended.signal.aborted) this.#connection.send(encodeFrame(frame));
  }

  #sendRemove(streamId: number): void {
    this.#send({ streamId, type: frameTypes.removeConnect, data: new Uint8Array() });
  }

  async #whenDrained(): Promise<void> {
    while (this.#connection.bufferedBytes > HIGH_WATER_BYTES && !this.#ended.signal.aborted)
      await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
  }

  #wakeWriters(): void {
    for (const wake of this.#drainWaiters.splice(0)) wake();
  }

  #noteSign(): void {
    this.#lastSignMs = this.#options.clock.monotonicMs();
    this.#silenceLimitMs = SILENCE_LIMIT_MS;
  }

  #watch(): void {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#lastSignMs > this.#silenceLimitMs) {
      this.close(`the other side was silent for ${this.#silenceLimitMs / 1000} s`);
      return;
    }
    this.#connection.ping();
    this.#timer = clock.setTimer(PING_PERIOD_MS, () => this.#watch());
  }

  #end(reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#timer?.cancel();
    const failure = streamClosed(`the tunnel has ended: ${reason}`);
    this.#ended.abort(failure);
    for (const stream of [...this.#streams.values()]) stream.finish(failure);
    this.#wakeWriters();
  }
}

function classOf(kind: StreamKind): StreamClass {
  return kind === "logs" || kind === "metrics" ? kind : "processes";
}
