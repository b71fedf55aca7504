import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { TLSSocket } from "node:tls";
import type { ListeningPort, MinimumTlsVersion } from "@skerry/base";
import { BodyRoom, ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import type { EnrolmentRequest, EnrolmentResponse } from "../cloudhub/index.ts";
import { httpsListenFailed } from "./errors.ts";

export interface EnrolmentServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Whose clients' certificates are asked for; PEM. */
  readonly clientAuthorityPem: string;
  /** @default TLS 1.3 */
  readonly minimumTlsVersion?: MinimumTlsVersion;
  /** Bytes that a request to a path may have. @default 64 KiB */
  readonly maxBodyBytes?: (path: string) => number;
  readonly handle: (request: EnrolmentRequest) => Promise<EnrolmentResponse>;
}

/** A certificate request has some hundred bytes. */
export const MAX_BODY_BYTES: number = 64 * 1024;
const LIMITS: ConnectionLimits = {
  maxConnections: 256,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 5_000,
  maxHeaderBytes: 16 * 1024,
};
/** Of all larger bodies together: those who send them, for the webhooks, are not known. */
const LARGE_BODIES_BYTES = 64 * 1024 * 1024;

/**
 * The HTTPS server of port 10002: a client certificate is asked for, but not demanded; the service judges it
 * (security.md 2.1). A GET may have a body.
 * @throws SkerryError `CLOUDHUB_PORT_IN_USE`, `CLOUDHUB_LISTEN_FAILED`
 */
export async function serveEnrolment(options: EnrolmentServerOptions): Promise<ListeningPort> {
  const small = new BodyRoom(LIMITS.maxConnections * MAX_BODY_BYTES);
  const large = new BodyRoom(LARGE_BODIES_BYTES);
  const server = createServer(
    {
      cert: options.certificatePem,
      key: options.privateKeyPem,
      ca: options.clientAuthorityPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: options.minimumTlsVersion ?? "TLSv1.3",
      ...serverLimits(LIMITS),
    },
    (request, response) => {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      const limitBytes = options.maxBodyBytes?.(path) ?? MAX_BODY_BYTES;
      const room = limitBytes > MAX_BODY_BYTES ? large : small;
      room
        .read(request, limitBytes, async (body) => {
          if (body === "too-large") refuse(response, 413, `At most ${limitBytes} bytes are read here`);
          else if (body === "no-room") refuse(response, 429, "Too many large requests are read at once");
          else await answer(options, { path, body }, request, response);
        })
        .catch(() => response.destroy());
    },
  );
  const guard = new ConnectionGuard(server, LIMITS);
  return listenGuarded(server, guard, options, (cause) =>
    httpsListenFailed("modules.cloudHub.https.port", options.address, options.port, cause),
  );
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  const later = status === 429 ? { "retry-after": "1" } : {};
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close", ...later });
  response.end(`${reason}\n`);
}

async function answer(
  options: EnrolmentServerOptions,
  { path, body }: Pick<EnrolmentRequest, "path" | "body">,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const certificate = request.socket instanceof TLSSocket ? request.socket.getPeerX509Certificate() : undefined;
  const result = await options.handle({
    method: request.method ?? "GET",
    path,
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value ?? "")])),
    body,
    clientCertificateDer: certificate ? new Uint8Array(certificate.raw) : undefined,
    remoteAddress: request.socket.remoteAddress ?? "",
  });
  response.writeHead(result.status, { ...result.headers, "content-length": result.body.length });
  response.end(result.body);
}
