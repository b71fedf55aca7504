import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { describeError, isSkerryError, type ListeningPort, type Logger, type MinimumTlsVersion } from "@skerry/base";
import { ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import { encodeResponseHead, readResponseHead } from "@skerry/streams";
import { joinSocket, writeSocket } from "@skerry/streams/platform";
import { httpsListenFailed } from "../../platform/errors.ts";
import type { CloudStream, KubeletRequest } from "../cloud-stream.ts";
import { httpStatusOf } from "../errors.ts";

export interface KubeletServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
  /** The server's own certificate and key; PEM. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The authority of the API server's client certificate; PEM. */
  readonly clientAuthorityPem: string;
  /** Common names that an API server's client certificate may have. */
  readonly clientNames: readonly string[];
  /** In which each node has a name; empty: none. */
  readonly domain: string;
  /** @default TLS 1.3 */
  readonly minimumTlsVersion?: MinimumTlsVersion;
  readonly cloudStream: CloudStream;
  readonly logger: Logger;
}

const TIMEOUT_MS = 10_000;
const LIMITS: ConnectionLimits = {
  maxConnections: 1_000,
  handshakeTimeoutMs: TIMEOUT_MS,
  headersTimeoutMs: TIMEOUT_MS,
  requestTimeoutMs: TIMEOUT_MS,
  idleTimeoutMs: TIMEOUT_MS,
  maxHeaderBytes: 16 * 1024,
};

/** What a node may see of a request's headers; credentials are none of its business. */
const FORWARDED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "user-agent",
  "x-stream-protocol-version",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
]);

/**
 * The kubelet's HTTPS endpoint of all edge nodes, port 10003. Only the API server may call it: its client certificate
 * must be of the Kubernetes' own authority and have one of the given names (security.md S1).
 * @throws SkerryError `CLOUDHUB_PORT_IN_USE`, `CLOUDHUB_LISTEN_FAILED`
 */
export async function serveKubelet(options: KubeletServerOptions): Promise<ListeningPort> {
  const server = createServer(
    {
      cert: options.certificatePem,
      key: options.privateKeyPem,
      ca: options.clientAuthorityPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: options.minimumTlsVersion ?? "TLSv1.3",
      ...serverLimits(LIMITS),
    },
    (request, response) => {
      answer(options, request, response).catch((error: unknown) => {
        options.logger.debug("A stream to a node broke off", { error: describeError(error) });
        response.destroy();
      });
    },
  );
  const guard = new ConnectionGuard(server, LIMITS);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    upgrade(options, request, socket, head).catch(() => socket.destroy());
  });
  return listenGuarded(server, guard, options, (cause) =>
    httpsListenFailed("modules.cloudStream.streamPort", options.address, options.port, cause),
  );
}

/** A plain request: logs. */
async function answer(
  options: KubeletServerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { cloudStream } = options;
  try {
    if (!isApiServer(options, incoming)) return plainText(response, 403, "only the API server may ask here");
    if (incoming.method !== "GET") return plainText(response, 405, "without an upgrade only GET is served");
    const { stream, startsWithHead, onLogRead } = await cloudStream.open(requestOf(incoming, options.domain));
    try {
      response.on("close", () => stream.close());
      const answered = startsWithHead ? await readResponseHead(stream) : undefined;
      if (startsWithHead && !answered) return plainText(response, 502, "the node ended the stream without an answer");
      const { status = 200, headers = {} } = answered?.head ?? {};
      // An upgrade or a redirection that nobody asked for would end the connection, or lead the API server elsewhere.
      if (status !== 200 && (status < 400 || status > 599))
        return plainText(response, 502, `the node answered HTTP ${status}, which is no answer to this`);
      response.writeHead(status, { "content-type": headers["content-type"] ?? "text/plain; charset=utf-8" });
      response.flushHeaders();
      const note = status === 200 ? onLogRead : undefined;
      if (answered && answered.rest.length > 0) {
        note?.(answered.rest);
        response.write(answered.rest);
      }
      for (let chunk = await stream.read(); chunk && !response.destroyed; chunk = await stream.read()) {
        note?.(chunk);
        await writeSocket(response as unknown as Duplex, chunk); // It has what is used of a Duplex: write, drain, close.
      }
      response.end();
    } finally {
      stream.close();
    }
  } catch (error) {
    if (response.headersSent) throw error;
    const { status, text } = refusalOf(error);
    plainText(response, status, text);
  }
}

/** An upgrade: exec, attach, port-forward. Bytes of the caller go on only once the node has agreed to the upgrade. */
async function upgrade(
  options: KubeletServerOptions,
  incoming: IncomingMessage,
  socket: Duplex,
  early: Buffer,
): Promise<void> {
  try {
    if (!isApiServer(options, incoming)) return refuse(socket, 403, "only the API server may ask here");
    const { stream } = await options.cloudStream.open(requestOf(incoming, options.domain));
    socket.once("close", () => stream.close());
    const answered = await readResponseHead(stream);
    if (!answered) return refuse(socket, 502, "the node ended the stream without an answer");
    await writeSocket(socket, answered.raw);
    await writeSocket(socket, answered.rest);
    if (answered.head.status === 101) return await joinSocket(stream, socket, early);
    for (let chunk = await stream.read(); chunk && !socket.destroyed; chunk = await stream.read())
      await writeSocket(socket, chunk);
    stream.close();
    socket.end();
  } catch (error) {
    const { status, text } = refusalOf(error);
    refuse(socket, status, text);
  }
}

function isApiServer(options: KubeletServerOptions, incoming: IncomingMessage): boolean {
  const { socket } = incoming;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  if (typeof name === "string" && options.clientNames.includes(name)) return true;
  options.logger.warn("A client that is not the API server was refused on the kubelet port", {
    remoteAddress: socket.remoteAddress,
    commonName: String(name).slice(0, 80),
  });
  return false;
}

function requestOf(incoming: IncomingMessage, domain: string): KubeletRequest {
  const [path = "", ...query] = (incoming.url ?? "").split("?");
  const headers: Record<string, string[]> = {};
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at] ?? "";
    if (!FORWARDED_HEADERS.has(name.toLowerCase())) continue;
    headers[name] = [...(headers[name] ?? []), incoming.rawHeaders[at + 1] ?? ""];
  }
  const nodeName = nodeNamed(incoming, domain);
  return {
    method: incoming.method ?? "GET",
    path,
    query: query.join("?"),
    headers,
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

/**
 * The node that a node's own path is about: a kube-apiserver says it in `X-Forwarded-Uri`, who calls the node by its name
 * (metrics-server with the address type InternalDNS or Hostname) in `Host`.
 */
function nodeNamed(incoming: IncomingMessage, domain: string): string | undefined {
  const [, forwarded] = /^\/api\/v1\/nodes\/([^/:]+)/.exec(String(incoming.headers["x-forwarded-uri"] ?? "")) ?? [];
  const host = (incoming.headers.host ?? "").replace(/:\d+$/, "");
  const suffix = `.${domain}`;
  const named = forwarded ?? (domain !== "" && host.endsWith(suffix) ? host.slice(0, -suffix.length) : host);
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(named) ? named : undefined;
}

function refusalOf(error: unknown): { readonly status: number; readonly text: string } {
  if (!isSkerryError(error)) return { status: 500, text: "internal error" };
  if (error.code === "STREAMS_TOO_MANY") return { status: 429, text: error.message };
  if (error.code.startsWith("STREAMS_") && error.code !== "STREAMS_REFUSED")
    return { status: 502, text: error.message };
  return { status: httpStatusOf(error), text: error.message };
}

function plainText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(`${text}\n`);
}

function refuse(socket: Duplex, status: number, text: string): void {
  if (socket.destroyed) return;
  const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
  socket.write(encodeResponseHead(status, "Refused", headers));
  socket.end(`${text}\n`);
}
