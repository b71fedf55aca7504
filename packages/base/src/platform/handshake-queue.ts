import type { Server, Socket } from "node:net";
import { connectionKey } from "./connection-guard.ts";

/** What a {@link HandshakeQueue} asks. */
export interface HandshakeQueueOptions {
  /** Whether whoever the port serves has no room for another client just now; asked before each handshake. */
  readonly isBusy: () => boolean;
  /** A connection is closed before its handshake. */
  readonly onRefused: (remoteAddress: string | undefined) => void;
}

/** Handshakes under way at once. */
const AT_ONCE = 32;
/** One that has not come to its end by then no longer keeps others out: its client may never speak. */
const COUNTS_FOR_MS = 500;
/** More do not wait, and none for longer: a client gives up after some seconds, and its handshake would be for nothing. */
const MOST_WAITING = 256;
const LONGEST_WAIT_MS = 3_000;
const LOOK_MS = 20;

/**
 * Holds connections back before their TLS handshake while the server is busy, and closes those that would wait too long.
 * A handshake is most of what it costs to tell a client to come again later; to hold it back, or close it, costs nothing.
 * Has to be made before anything else listens to the server's connections.
 */
export class HandshakeQueue {
  readonly #options: HandshakeQueueOptions;
  readonly #begin: (socket: Socket) => void;
  /** Since when each waits, the longest first. */
  readonly #waiting = new Map<Socket, number>();
  /** Since when each handshake is under way, the oldest first; by address and port. */
  readonly #underWay = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server, options: HandshakeQueueOptions) {
    this.#options = options;
    // What Node.js itself does with a new connection: TLS, then HTTP.
    const own = server.listeners("connection") as ((socket: Socket) => void)[];
    server.removeAllListeners("connection");
    this.#begin = (socket) => {
      for (const listener of own) listener.call(server, socket);
    };
    server.on("connection", (socket: Socket) => this.#take(socket));
    server.on("close", () => clearTimeout(this.#timer));
  }

  /** The client on this connection (or the TLS around it) has said what it wants: it has been served, or sent away. */
  served(socket: Socket): void {
    this.#ended(connectionKey(socket));
  }

  #ended(key: string): void {
    if (this.#underWay.delete(key)) this.#next();
  }

  #take(socket: Socket): void {
    // Until its handshake begins nobody else hears of it: without a listener a reset would end the process.
    socket.on("error", () => socket.destroy());
    if (this.#waiting.size === 0 && this.#hasRoom()) {
      this.#start(socket);
      return;
    }
    if (this.#waiting.size >= MOST_WAITING) {
      this.#refuse(socket);
      return;
    }
    this.#waiting.set(socket, performance.now());
    socket.once("close", () => this.#waiting.delete(socket));
    this.#timer ??= setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    this.#timer = undefined;
    this.#next();
    const dueMs = performance.now() - LONGEST_WAIT_MS;
    for (const [socket, sinceMs] of this.#waiting) {
      if (sinceMs > dueMs) break;
      this.#refuse(socket);
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  #next(): void {
    for (const socket of this.#waiting.keys()) {
      if (!this.#hasRoom()) return;
      this.#waiting.delete(socket);
      if (!socket.destroyed) this.#start(socket);
    }
  }

  #hasRoom(): boolean {
    const dueMs = performance.now() - COUNTS_FOR_MS;
    for (const [key, sinceMs] of this.#underWay) {
      if (sinceMs > dueMs) break;
      this.#underWay.delete(key);
    }
    return this.#underWay.size < AT_ONCE && !this.#options.isBusy();
  }

  #start(socket: Socket): void {
    const key = connectionKey(socket);
    this.#underWay.set(key, performance.now());
    socket.once("close", () => this.#ended(key));
    this.#begin(socket);
  }

  #refuse(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#options.onRefused(socket.remoteAddress);
    socket.destroy();
  }
}
