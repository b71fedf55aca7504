import type { IncomingMessage } from "node:http";
import { describeError, isSkerryError } from "@skerry/base";
import type { WebSocket } from "ws";
import type { Direction } from "../routes.ts";
import { frameBytes } from "../traffic/index.ts";
import type { ConnectionHandlers, LinkConnection, PeerIdentity, WireSizes } from "../transport.ts";
import { compressMessage, expandMessage } from "./message-compression.ts";

/** How long the peer may take to answer a close before the socket is torn down. */
const CLOSE_GRACE_MS = 2_000;

/** While more than this waits to be sent, pings are not answered. */
const MAX_BUFFERED_FOR_PONG_BYTES = 8 * 1024 * 1024;

/** WebSocket close code "no close frame came" (RFC 6455 section 7.4.1). */
const ABNORMAL_CLOSURE = 1006;

/** WebSocket close code "the message is too big for me". */
const MESSAGE_TOO_BIG = 1009;

/** What a connection's upgrade has shown. */
export interface UpgradeFacts {
  /** Path of the request; empty on the dialling side. */
  readonly path: string;
  /** Of the other end's half. */
  readonly headers: Readonly<Record<string, string>>;
  /** `up` at the cloud, `down` at the edge. */
  readonly receives: Direction;
  /** Set when both halves named {@link COMPRESSION_NAME}. */
  readonly compression?: {
    /** Largest message that is expanded. */
    readonly maxMessageBytes: number;
  };
}

/** WebSocket close code "the message is not what its type says". */
const INVALID_PAYLOAD = 1007;

/** A `ws` socket as the link sees it. */
export class WebSocketConnection implements LinkConnection {
  readonly peer: PeerIdentity;
  readonly requestPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly #socket: WebSocket;
  readonly #receives: Direction;
  readonly wire: { -readonly [K in keyof WireSizes]: WireSizes[K] } = { sentBytes: 0, receivedBytes: 0 };
  readonly #compression: UpgradeFacts["compression"];
  /** Frames that the parser had already taken in before `start`. */
  #early: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
  #handlers: ConnectionHandlers | undefined;
  #closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(
    socket: WebSocket,
    peer: PeerIdentity,
    upgrade: UpgradeFacts = { path: "", headers: {}, receives: "up" },
  ) {
    this.#socket = socket;
    this.peer = peer;
    this.requestPath = upgrade.path;
    this.headers = upgrade.headers;
    this.#receives = upgrade.receives;
    this.#compression = upgrade.compression;
    socket.pause();
    // `binaryType` is "nodebuffer".
    socket.on("message", (data, isBinary) => this.#onFrame(data as Buffer, isBinary));
    socket.on("ping", (data) => {
      this.#answerPing(data);
      this.#handlers?.onAlive?.("ping");
    });
    socket.on("pong", () => this.#handlers?.onAlive?.("pong"));
    socket.on("error", (error: Error & { code?: string }) => {
      this.#terminateSoon();
      this.#end(error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? MESSAGE_TOO_BIG : ABNORMAL_CLOSURE, error.message);
    });
    socket.on("close", (code, reason) => this.#end(code, reason.toString("utf8")));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  start(handlers: ConnectionHandlers): void {
    if (this.#closed) {
      handlers.onClose(this.#closed);
      return;
    }
    this.#handlers = handlers;
    for (const { data, isBinary } of this.#early.splice(0)) this.#onFrame(data, isBinary);
    this.#socket.resume();
  }

  send(text: string): void {
    if (this.#closed) return;
    const payload = (this.#compression && compressMessage(text)) ?? text;
    this.wire.sentBytes = frameBytes(this.#receives === "up" ? "down" : "up", Buffer.byteLength(payload));
    this.#socket.send(payload, { binary: payload !== text, compress: false }, ignoreSendError);
  }

  ping(): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.ping("", undefined, ignoreSendError);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#socket.close(code, closeReason(reason));
    // A paused socket would never see the peer's answer; and a dead peer never gives one.
    this.#socket.resume();
    this.#terminateSoon();
    this.#end(code, reason);
  }

  /** Each ping is answered, but not to a peer that sends without reading: what waits for it would grow without end. */
  #answerPing(data: Buffer): void {
    const isOpen = !this.#closed && this.#socket.readyState === this.#socket.OPEN;
    if (isOpen && this.#socket.bufferedAmount < MAX_BUFFERED_FOR_PONG_BYTES)
      this.#socket.pong(data, undefined, ignoreSendError);
  }

  #terminateSoon(): void {
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #onFrame(data: Buffer, isBinary: boolean): void {
    if (this.#closed) return;
    if (!this.#handlers) {
      this.#early.push({ data, isBinary });
      return;
    }
    this.wire.receivedBytes = frameBytes(this.#receives, data.length);
    const text = this.#textOf(data, isBinary);
    if (text !== undefined) this.#handlers.onFrame(text);
  }

  /** Without agreed compression text and binary frames are read alike, as KubeEdge does (wire.md 3.3). */
  #textOf(data: Buffer, isBinary: boolean): string | undefined {
    if (!isBinary || !this.#compression) return data.toString("utf8");
    try {
      return expandMessage(data, this.#compression.maxMessageBytes);
    } catch (error) {
      this.close(
        isSkerryError(error, "LINK_MESSAGE_TOO_LARGE") ? MESSAGE_TOO_BIG : INVALID_PAYLOAD,
        describeError(error),
      );
      return undefined;
    }
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = { code: code || ABNORMAL_CLOSURE, reason };
    this.#early = [];
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose(this.#closed);
  }
}

/** Close reasons have at most 123 bytes (RFC 6455 section 5.5). */
export function closeReason(text: string): string {
  let bytes = Buffer.from(text, "utf8");
  if (bytes.length <= 123) return text;
  bytes = bytes.subarray(0, 120);
  return `${bytes.toString("utf8").replace(/\uFFFD$/, "")}…`;
}

/** A failed send shows itself as the connection's close. */
function ignoreSendError(): void {}

/** The headers of one half of the upgrade, one value each. */
export function flatHeaders(half: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(half.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}
