import type { FrameConnection, FrameHandlers } from "../transport.ts";

/** One end of a connection in memory; frames arrive in order, each in its own turn. */
export class MemoryConnection implements FrameConnection {
  readonly speaksSkerry: boolean;
  /** What this end sent, as bytes. */
  readonly sent: Uint8Array[] = [];
  bufferedBytes = 0;
  peer: MemoryConnection | undefined;
  #handlers: FrameHandlers | undefined;
  #closed = false;

  constructor(speaksSkerry: boolean) {
    this.speaksSkerry = speaksSkerry;
  }

  start(handlers: FrameHandlers): void {
    this.#handlers = handlers;
  }

  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
    queueMicrotask(() => this.peer?.receive(bytes));
  }

  ping(): void {
    queueMicrotask(() => this.peer?.alive());
  }

  close(reason: string): void {
    this.#closed = true;
    queueMicrotask(() => this.peer?.end(reason));
  }

  receive(bytes: Uint8Array): void {
    if (!this.#closed) this.#handlers?.onFrame(bytes);
  }

  alive(): void {
    if (!this.#closed) this.#handlers?.onAlive();
  }

  end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers?.onClose(reason);
  }
}

/** Both ends of a connection. */
export function connectionPair(speaksSkerry = true): { cloud: MemoryConnection; edge: MemoryConnection } {
  const cloud = new MemoryConnection(speaksSkerry);
  const edge = new MemoryConnection(speaksSkerry);
  cloud.peer = edge;
  edge.peer = cloud;
  return { cloud, edge };
}
