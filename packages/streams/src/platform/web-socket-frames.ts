import type { ClientOptions, ServerOptions, WebSocket } from "ws";
import { MAX_FRAME_BYTES } from "../frame.ts";
import type { FrameConnection, FrameHandlers } from "../transport.ts";

/** How `ws` is to open the sockets of both ends. */
export const FRAME_SOCKET_OPTIONS: ServerOptions & ClientOptions = {
  perMessageDeflate: false,
  skipUTF8Validation: true,
  // Pings are answered here: never more than a peer reads.
  autoPong: false,
  maxPayload: MAX_FRAME_BYTES,
};

/** How long the peer may take to answer a close before the socket is torn down. */
const CLOSE_GRACE_MS = 2_000;
/** While more than this waits to be sent, pings are not answered. */
const MAX_BUFFERED_FOR_PONG_BYTES = 8 * 1024 * 1024;
/** Close code for an ordinary end (RFC 6455 section 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** A `ws` socket that carries frames as text messages whose bytes are no text (security.md 11.4). */
export class WebSocketFrames implements FrameConnection {
  readonly speaksSkerry: boolean;
  readonly #socket: WebSocket;
  readonly #early: Uint8Array[] = [];
  #handlers: FrameHandlers | undefined;
  #closedReason: string | undefined;

  /** @param socket opened with {@link FRAME_SOCKET_OPTIONS} */
  constructor(socket: WebSocket, speaksSkerry: boolean) {
    this.#socket = socket;
    this.speaksSkerry = speaksSkerry;
    socket.pause();
    socket.on("message", (data) => this.#onMessage(data as Buffer)); // `binaryType` is "nodebuffer".
    socket.on("ping", (data) => {
      this.#answerPing(data);
      this.#handlers?.onAlive();
    });
    socket.on("pong", () => this.#handlers?.onAlive());
    socket.on("error", (error) => {
      socket.terminate();
      this.#end(error.message);
    });
    socket.on("close", (code, reason) => this.#end(reason.toString("utf8") || `the connection closed (${code})`));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  start(handlers: FrameHandlers): void {
    if (this.#closedReason !== undefined) {
      handlers.onClose(this.#closedReason);
      return;
    }
    this.#handlers = handlers;
    for (const bytes of this.#early.splice(0)) handlers.onFrame(bytes);
    this.#socket.resume();
  }

  send(bytes: Uint8Array): void {
    if (this.#closedReason !== undefined) return;
    // A failed send shows itself as the connection's close.
    this.#socket.send(bytes, { binary: false, compress: false }, () => this.#handlers?.onDrain());
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping("ping you", undefined, () => undefined);
  }

  close(reason: string): void {
    if (this.#closedReason !== undefined) return;
    this.#socket.resume();
    this.#socket.close(NORMAL_CLOSURE, Buffer.from(reason).subarray(0, 120).toString("latin1").slice(0, 60));
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS);
    this.#socket.once("close", () => clearTimeout(timer));
    this.#end(reason);
  }

  /** Each ping is answered, but not to a peer that sends without reading: what waits for it would grow without end. */
  #answerPing(data: Buffer): void {
    const isOpen = this.#closedReason === undefined && this.#socket.readyState === this.#socket.OPEN;
    if (isOpen && this.#socket.bufferedAmount < MAX_BUFFERED_FOR_PONG_BYTES)
      this.#socket.pong(data, undefined, () => undefined);
  }

  #onMessage(data: Buffer): void {
    if (this.#closedReason !== undefined) return;
    if (this.#handlers) this.#handlers.onFrame(data);
    else this.#early.push(data);
  }

  #end(reason: string): void {
    if (this.#closedReason !== undefined) return;
    this.#closedReason = reason;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose(reason);
  }
}
