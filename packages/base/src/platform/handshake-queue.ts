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
 * Addresses take turns, so that one that dials without end keeps no other out. Has to be made before anything else listens to the server's connections.
 */
export class HandshakeQueue {
  readonly #options: HandshakeQueueOptions;
  readonly #begin: (socket: Socket) => void;
  /** Since when each waits, the longest first. */
  readonly #waiting = new Map<Socket, number>();
  /** Since when each handshake is under way, and for whom, the oldest first; by address and port. */
  readonly #underWay = new Map<string, { readonly sinceMs: number; readonly address: string | undefined }>();
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
      const displaced = this.#displacedBy(socket);
      this.#refuse(displaced);
      if (displaced === socket) return;
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
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      const underWay = countsBy([...this.#underWay.values()].map(({ address }) => address));
      const socket = leastBy(this.#waiting.keys(), ({ remoteAddress }) => underWay.get(remoteAddress) ?? 0);
      if (!socket) return;
      this.#waiting.delete(socket);
      if (!socket.destroyed) this.#start(socket);
    }
  }

  /** Who has to go when all places are taken: the newcomer, or the first of an address that has more places than his. */
  #displacedBy(newcomer: Socket): Socket {
    const places = countsBy([...this.#waiting.keys()].map(({ remoteAddress }) => remoteAddress));
    const heaviest = leastBy(this.#waiting.keys(), ({ remoteAddress }) => -(places.get(remoteAddress) ?? 0));
    const own = places.get(newcomer.remoteAddress) ?? 0;
    return heaviest && (places.get(heaviest.remoteAddress) ?? 0) > own + 1 ? heaviest : newcomer;
  }

  #hasRoom(): boolean {
    const dueMs = performance.now() - COUNTS_FOR_MS;
    for (const [key, { sinceMs }] of this.#underWay) {
      if (sinceMs > dueMs) break;
      this.#underWay.delete(key);
    }
    return this.#underWay.size < AT_ONCE && !this.#options.isBusy();
  }

  #start(socket: Socket): void {
    const key = connectionKey(socket);
    this.#underWay.set(key, { sinceMs: performance.now(), address: socket.remoteAddress });
    socket.once("close", () => this.#ended(key));
    this.#begin(socket);
  }

  #refuse(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#options.onRefused(socket.remoteAddress);
    socket.destroy();
  }
}

function countsBy(addresses: readonly (string | undefined)[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const address of addresses) counts.set(address, (counts.get(address) ?? 0) + 1);
  return counts;
}

/** The first with the smallest weight. */
function leastBy(sockets: Iterable<Socket>, weightOf: (socket: Socket) => number): Socket | undefined {
  let found: { readonly socket: Socket; readonly weight: number } | undefined;
  for (const socket of sockets) {
    const weight = weightOf(socket);
    if (!found || weight < found.weight) found = { socket, weight };
  }
  return found?.socket;
}
