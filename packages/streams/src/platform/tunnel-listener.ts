import type { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { describeError, type ListeningPort, type Logger, type MinimumTlsVersion } from "@skerry/base";
import { ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import { WebSocketServer } from "ws";
import { tunnelListenFailed } from "../errors.ts";
import {
  type AcceptedTunnel,
  NODE_NAME_HEADER,
  SKERRY_STREAMS_HEADER,
  SKERRY_STREAMS_VERSION,
  TUNNEL_PATH,
  type TunnelPeer,
} from "../transport.ts";
import { FRAME_SOCKET_OPTIONS, WebSocketFrames } from "./web-socket-frames.ts";

export interface TunnelListenerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
  /** The server's own certificate and key; PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The only authority that edges' certificates are accepted from; PEM. */
  readonly clientAuthorityPem: string;
  /** The node that a certificate stands for. A throw refuses the connection. */
  readonly identify: (certificate: X509Certificate) => TunnelPeer;
  readonly logger: Logger;
  /** Sockets open at once, those still in their handshake included. */
  readonly maxConnections: number;
  /** @default TLS 1.3 */
  readonly minimumTlsVersion?: MinimumTlsVersion;
}

/** What tells whose tunnel it is. */
export type TunnelAdmission = Pick<TunnelListenerOptions, "identify" | "logger">;

const TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * CloudStream's port for edges (security.md 11.3): TLS with a client certificate. Who a node is, its certificate says; a
 * header that claims another name is refused (security.md S5).
 * @throws SkerryError `STREAMS_PORT_IN_USE`, `STREAMS_LISTEN_FAILED`
 */
export async function listenTunnels(
  options: TunnelListenerOptions,
  onTunnel: (tunnel: AcceptedTunnel) => void,
): Promise<ListeningPort> {
  const limits: ConnectionLimits = {
    maxConnections: options.maxConnections,
    handshakeTimeoutMs: TIMEOUT_MS,
    headersTimeoutMs: TIMEOUT_MS,
    requestTimeoutMs: TIMEOUT_MS,
    idleTimeoutMs: TIMEOUT_MS,
    maxHeaderBytes: MAX_HEADER_BYTES,
  };
  const upgrader = new TunnelUpgrader(options, onTunnel);
  const server = createServer({
    cert: options.certificatePem,
    key: options.privateKeyPem,
    ca: options.clientAuthorityPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: options.minimumTlsVersion ?? "TLSv1.3",
    ...serverLimits(limits),
  });
  const guard = new ConnectionGuard(server, limits);
  server.on("request", (_request, response) => {
    response.writeHead(426, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end("This is CloudCore's stream port for edge nodes.\n");
  });
  server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) =>
    upgrader.upgrade(request, stream, head),
  );
  return listenGuarded(server, guard, options, (cause) => tunnelListenFailed(options.address, options.port, cause));
}

/** Makes tunnels of upgrade requests, on a port of their own or on one that they share. */
export class TunnelUpgrader {
  readonly #admission: TunnelAdmission;
  readonly #onTunnel: (tunnel: AcceptedTunnel) => void;
  readonly #upgrader = new WebSocketServer({
    ...FRAME_SOCKET_OPTIONS,
    noServer: true,
    clientTracking: false,
  });

  constructor(admission: TunnelAdmission, onTunnel: (tunnel: AcceptedTunnel) => void) {
    this.#admission = admission;
    this.#onTunnel = onTunnel;
    this.#upgrader.on("headers", (headers, request) => {
      if (speaksSkerry(request)) headers.push(`${SKERRY_STREAMS_HEADER}: ${SKERRY_STREAMS_VERSION}`);
    });
  }

  /** Whether the request is for a tunnel. */
  takes(request: IncomingMessage): boolean {
    return pathOf(request) === TUNNEL_PATH;
  }

  /** Answers the request; the client's certificate has been verified. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on("error", () => stream.destroy());
    try {
      const peer = admit(this.#admission, request);
      this.#upgrader.handleUpgrade(request, stream, head, (socket) =>
        this.#onTunnel({ peer, connection: new WebSocketFrames(socket, speaksSkerry(request)) }),
      );
    } catch (error) {
      const reason = describeError(error);
      this.#admission.logger.warn("A client was refused on the stream port", {
        remoteAddress: request.socket.remoteAddress,
        reason,
      });
      stream.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${reason}\n`);
    }
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0] ?? "";
}

function speaksSkerry(request: IncomingMessage): boolean {
  return request.headers[SKERRY_STREAMS_HEADER] === SKERRY_STREAMS_VERSION;
}

/** The node. @throws when the request is not a node's own */
function admit(options: TunnelAdmission, request: IncomingMessage): TunnelPeer {
  if (pathOf(request) !== TUNNEL_PATH) throw new Error(`the path is not ${TUNNEL_PATH}`);
  if (request.headers.origin !== undefined) throw new Error("browsers are not served here");
  const certificate = request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate() : undefined;
  if (!certificate) throw new Error("no client certificate");
  const peer = options.identify(certificate);
  const claimed = request.headers[NODE_NAME_HEADER];
  if (claimed !== undefined && claimed !== peer.name)
    throw new Error(`the certificate is for node ${peer.name}, the header names another`);
  return peer;
}
