import type { Server } from "node:http";
import type { ServerOptions } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionCounters } from "../listening-port.ts";

/** Limits of a port, all of them for clients that nobody knows yet. */
export interface ConnectionLimits {
  /** Sockets open at once, those still in their handshake included. */
  readonly maxConnections: number;
  /** Of one address, those whose certificate has not been verified. @default half of {@link maxConnections} */
  readonly maxUnprovenPerAddress?: number;
  /** For the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** For a request's header. */
  readonly headersTimeoutMs: number;
  /** For a whole request. */
  readonly requestTimeoutMs: number;
  /** Between two requests of one connection. */
  readonly idleTimeoutMs: number;
  readonly maxHeaderBytes: number;
}

/** How often Node.js looks at the timeouts of headers and requests. */
const CHECK_INTERVAL_MS = 2_000;

/** What the limits say to Node's server. */
export function serverLimits(
  limits: ConnectionLimits,
): Pick<
  ServerOptions,
  | "handshakeTimeout"
  | "headersTimeout"
  | "requestTimeout"
  | "keepAliveTimeout"
  | "connectionsCheckingInterval"
  | "maxHeaderSize"
> {
  return {
    handshakeTimeout: limits.handshakeTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersTimeoutMs),
    maxHeaderSize: limits.maxHeaderBytes,
  };
}

/**
 * Watches the connections of an HTTP or HTTPS server: refuses what is beyond the limits, ends what is broken, counts both. One
 * address cannot take up all connections before it has proven who it is; behind it there may be many nodes, so a share
 * is left to it.
 */
export class ConnectionGuard {
  readonly #sockets = new Set<Socket>();
  readonly #unproven = new Map<string, number>();
  /** Address of each connection that has not proven itself, by address and port. */
  readonly #unprovenConnections = new Map<string, string>();
  readonly #cutOff = new WeakSet<object>();
  readonly #maxUnproven: number;
  readonly #onRefused: (remoteAddress: string | undefined, reason: string) => void;
  #accepted = 0;
  #refusedFull = 0;
  #refusedAddress = 0;
  #refusedBusy = 0;
  #failedHandshakes = 0;
  #resumed = 0;
  #timedOut = 0;
  #malformed = 0;

  constructor(
    server: Server,
    limits: ConnectionLimits,
    onRefused: (remoteAddress: string | undefined, reason: string) => void = () => undefined,
  ) {
    this.#maxUnproven = limits.maxUnprovenPerAddress ?? Math.ceil(limits.maxConnections / 2);
    this.#onRefused = onRefused;
    server.maxConnections = limits.maxConnections;
    server.on("connection", (socket: Socket) => this.#accept(socket));
    server.on("drop", (dropped) => {
      this.#refusedFull++;
      onRefused(dropped?.remoteAddress, "the port has as many connections as are allowed");
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      if (socket.isSessionReused()) this.#resumed++;
      if (socket.authorized) this.#prove(connectionKey(socket));
    });
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      if (codeOf(error) === "ERR_TLS_HANDSHAKE_TIMEOUT") this.#timedOut++;
      else this.#failedHandshakes++;
      onRefused(socket.remoteAddress, error.message);
      socket.destroy();
    });
    server.on("clientError", (error, socket) => {
      const code = codeOf(error);
      // Node.js tells of a failed handshake here too; and one connection can err more than once before it is gone.
      if (/^ERR_(SSL|TLS)_/.test(code) || this.#cutOff.has(socket)) return;
      this.#cutOff.add(socket);
      if (code === "ERR_HTTP_REQUEST_TIMEOUT") this.#timedOut++;
      else if (code.startsWith("HPE_")) this.#malformed++;
      onRefused((socket as Socket).remoteAddress, error.message);
      socket.destroy();
    });
  }

  get counters(): ConnectionCounters {
    return {
      accepted: this.#accepted,
      open: this.#sockets.size,
      refusedFull: this.#refusedFull,
      refusedAddress: this.#refusedAddress,
      refusedBusy: this.#refusedBusy,
      failedHandshakes: this.#failedHandshakes,
      resumed: this.#resumed,
      timedOut: this.#timedOut,
      malformed: this.#malformed,
    };
  }

  /** A connection was closed before its handshake because there was no room for another client. */
  noteBusy(remoteAddress: string | undefined): void {
    this.#refusedBusy++;
    this.#onRefused(remoteAddress, "there was no room for another client");
  }

  /** Ends all connections, those in the middle of their handshake too. */
  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const count = this.#unproven.get(address) ?? 0;
    if (count >= this.#maxUnproven) {
      this.#refusedAddress++;
      this.#onRefused(address, "the address has too many connections that have not proven who they are");
      socket.destroy();
      return;
    }
    this.#accepted++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    this.#unproven.set(address, count + 1);
    const key = connectionKey(socket);
    this.#unprovenConnections.set(key, address);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#prove(key);
    });
  }

  /** The connection no longer counts as unproven. */
  #prove(key: string): void {
    const address = this.#unprovenConnections.get(key);
    if (address === undefined) return;
    this.#unprovenConnections.delete(key);
    const left = (this.#unproven.get(address) ?? 1) - 1;
    if (left > 0) this.#unproven.set(address, left);
    else this.#unproven.delete(address);
  }
}

/** Tells the connections of a port apart; the socket and the TLS around it have the same. */
export function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}
