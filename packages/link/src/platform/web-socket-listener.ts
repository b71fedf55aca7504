import type { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { type Clock, describeError, type ListeningPort, type Logger, type MinimumTlsVersion } from "@skerry/base";
import {
  ConnectionGuard,
  type ConnectionLimits,
  HandshakeQueue,
  listenGuarded,
  serverLimits,
} from "@skerry/base/platform";
import { type WebSocket, WebSocketServer } from "ws";
import type { Admission, Admit } from "../admission-gate.ts";
import {
  AUTHORITY_HEADER,
  agreedDelivery,
  DELIVERY_HEADER,
  TUNNEL_HEADER,
  TUNNEL_ON_DEMAND,
} from "../delivery/skerry/delivery-agreement.ts";
import { listenFailed } from "../errors.ts";
import { DEFAULT_MESSAGE_LIMITS } from "../message-codec.ts";
import type { LinkConnection, LinkListener, PeerIdentity } from "../transport.ts";
import { COMPRESSION_HEADER, COMPRESSION_NAME } from "./message-compression.ts";
import { closeReason, flatHeaders, WebSocketConnection } from "./web-socket-connection.ts";

/** Who takes some of the port's upgrade requests; the clients' certificates have been verified. */
export interface SharedUpgrades {
  takes(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void;
}

export interface WebSocketListenerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
  /** The server's own certificate and key; PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The only authority that clients' certificates are accepted from; PEM. */
  readonly clientAuthorityPem: string;
  /**
   * Who a certificate stands for; its chain, time and usage have been verified. A throw refuses the connection with
   * the error's text.
   */
  readonly identify: (certificate: X509Certificate) => PeerIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a node is let in now. */
  readonly admit?: Admit;
  /** Whether there is no room for another node now; meanwhile handshakes wait. @default never */
  readonly isBusy?: () => boolean;
  /** Stream tunnels of Skerry's nodes, which share the port; left out: there are none. */
  readonly tunnels?: SharedUpgrades;
  /** For {@link AUTHORITY_HEADER}; left out: the header is. */
  readonly authorityHash?: string;
  /** @default TLS 1.3 */
  readonly minimumTlsVersion?: MinimumTlsVersion;
  /** @default 4 MiB */
  readonly maxMessageBytes?: number;
  /** Sockets open at once, those still in their handshake included. @default 4_000 */
  readonly maxConnections?: number;
}

/** For the TLS handshake, for the request's header after it, and between requests that are no upgrade. */
const TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** Close code for a peer that may not be here (RFC 6455 section 7.4.1). */
const POLICY_VIOLATION = 1008;

/**
 * CloudCore's WebSocket port (wire.md 3): TLS with a client certificate, any path, no compression, no browsers.
 * @throws SkerryError `LINK_PORT_IN_USE`, `LINK_LISTEN_FAILED`
 */
export async function listenWebSocket(
  options: WebSocketListenerOptions,
  onConnection: (connection: LinkConnection) => void,
): Promise<LinkListener & ListeningPort> {
  const { logger } = options;
  const refusals = new RefusalLog(options.clock, logger);
  const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MESSAGE_LIMITS.maxBytes;
  const limits: ConnectionLimits = {
    maxConnections: options.maxConnections ?? 4_000,
    handshakeTimeoutMs: TIMEOUT_MS,
    headersTimeoutMs: TIMEOUT_MS,
    requestTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: TIMEOUT_MS,
    maxHeaderBytes: MAX_HEADER_BYTES,
  };
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: maxMessageBytes,
  });
  upgrader.on("headers", (answer: string[], request: IncomingMessage) => {
    const headers = flatHeaders(request);
    const agreed = agreedDelivery(headers[DELIVERY_HEADER]);
    if (offersCompression(headers)) answer.push(`${COMPRESSION_HEADER}: ${COMPRESSION_NAME}`);
    if (agreed !== undefined) answer.push(`${DELIVERY_HEADER}: ${agreed}`);
    if (agreed !== undefined && options.authorityHash) answer.push(`${AUTHORITY_HEADER}: ${options.authorityHash}`);
    if (agreed !== undefined && options.tunnels) answer.push(`${TUNNEL_HEADER}: ${TUNNEL_ON_DEMAND}`);
  });
  const server = createServer({
    cert: options.certificatePem,
    key: options.privateKeyPem,
    ca: options.clientAuthorityPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: options.minimumTlsVersion ?? "TLSv1.3",
    ...serverLimits(limits),
  });
  const queue = new HandshakeQueue(server, {
    isBusy: options.isBusy ?? (() => false),
    onRefused: (address) => guard.noteBusy(address),
  });
  const guard = new ConnectionGuard(server, limits, (address, reason) => refusals.note(address, reason));
  server.on("request", (_request, response) => {
    response.writeHead(426, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end("This is CloudCore's WebSocket port for edge nodes.\n");
  });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on("error", destroyItself);
    queue.served(request.socket);
    if (options.tunnels?.takes(request)) {
      options.tunnels.upgrade(request, stream, head);
      return;
    }
    const problem = upgradeProblem(request);
    if (problem) {
      refusals.note(request.socket.remoteAddress, problem);
      stream.end(`HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${problem}\n`);
      return;
    }
    const peer = identify(request);
    const admission = peer instanceof Error ? undefined : options.admit?.(peer.name);
    if (admission?.kind === "busy") {
      stream.end(busyAnswer(admission));
      return;
    }
    upgrader.handleUpgrade(request, stream, head, (socket) => open(socket, request, peer));
  });

  function identify(request: IncomingMessage): PeerIdentity | Error {
    try {
      const certificate = request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate() : undefined;
      if (!certificate) throw new Error("no client certificate");
      return options.identify(certificate);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  function open(socket: WebSocket, request: IncomingMessage, peer: PeerIdentity | Error): void {
    if (peer instanceof Error) {
      refusals.note(request.socket.remoteAddress, describeError(peer));
      socket.on("error", () => socket.terminate());
      socket.close(POLICY_VIOLATION, closeReason(describeError(peer)));
      return;
    }
    const headers = flatHeaders(request);
    const compression = offersCompression(headers) ? { compression: { maxMessageBytes } } : {};
    const upgrade = { path: request.url ?? "", headers, receives: "up", ...compression } as const;
    onConnection(new WebSocketConnection(socket, peer, upgrade));
  }

  return listenGuarded(server, guard, options, (cause) => listenFailed(options.address, options.port, cause));
}

/** A listener of its own: a closure would keep the request, with all its headers, as long as the connection. */
function destroyItself(this: Duplex): void {
  this.destroy();
}

/** HTTP's way to say so (RFC 9110 section 10.2.3): whole seconds, rounded up. */
function busyAnswer({ retryAfterMs, reason }: Extract<Admission, { kind: "busy" }>): string {
  const head = `HTTP/1.1 503 Service Unavailable\r\nretry-after: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
  return `${head}content-type: text/plain\r\nconnection: close\r\n\r\n${reason}\n`;
}

/** Only together with Skerry's delivery: what a KubeEdge sends is never taken for compressed. */
function offersCompression(headers: Readonly<Record<string, string>>): boolean {
  return agreedDelivery(headers[DELIVERY_HEADER]) !== undefined && headers[COMPRESSION_HEADER] === COMPRESSION_NAME;
}

/** What keeps a request from being a node's; undefined when nothing does (wire.md 3.1). */
function upgradeProblem(request: IncomingMessage): string | undefined {
  if (request.headers.origin !== undefined) return "Browsers are not served here (the request has an Origin)";
  const use = String(request.headers["connectionuse"] ?? "");
  // KubeEdge's edge adds the header again at each retry, so that several values come as one list.
  if (use === "" || use.split(",").some((value) => value.trim() !== "msg"))
    return 'The header "ConnectionUse" must be "msg"';
  return undefined;
}

/** Tells of refused clients at most every ten seconds, so that a foreign client cannot fill the log. */
class RefusalLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #silentUntilMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  note(remoteAddress: string | undefined, reason: string): void {
    if (this.#clock.monotonicMs() < this.#silentUntilMs) {
      this.#untold++;
      return;
    }
    this.#logger.warn("A client was refused on the WebSocket port", {
      remoteAddress,
      reason,
      othersBefore: this.#untold,
    });
    this.#untold = 0;
    this.#silentUntilMs = this.#clock.monotonicMs() + 10_000;
  }
}
