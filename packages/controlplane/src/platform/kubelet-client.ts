import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import type { Duplex } from "node:stream";
import { describeError } from "@skerry/base";
import { ApiError, failureStatus, isApiError } from "@skerry/kube";
import { encodeResponseHead, PORT_FORWARD_SPDY_VERSION, translationOf } from "@skerry/streams";
import { PortForwardSocket, translateWebSocket } from "@skerry/streams/platform";
import type { PodHttpAnswer, PodHttpRequest } from "../apiserver/pod-proxy.ts";
import {
  type KubeletAnswer,
  type KubeletConnector,
  type KubeletTarget,
  kubeletRefusal,
} from "../apiserver/pod-streams.ts";
import type { PemPair } from "./credentials.ts";
import { requestOver } from "./pod-request.ts";

export interface KubeletClientOptions {
  readonly host: string;
  readonly port: number;
  /** What the API server proves itself with. */
  readonly client: PemPair;
  /** The authority of the endpoint's certificate; PEM. Undefined while it is not known yet. */
  readonly authorityPem: () => Promise<string | undefined>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REFUSAL_BYTES = 8 * 1024;
/** How long one side may stay open after the other has ended. */
const LINGER_MS = 5_000;

/** A connection that the endpoint has agreed to, with what was read of it before. */
interface UpgradedConnection {
  readonly headers: IncomingHttpHeaders;
  readonly connection: Duplex;
  readonly early: Buffer;
}

/** Headers that make an upgrade; no other header of a client reaches a node. */
const UPGRADE_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "x-stream-protocol-version",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
]);

/** The API server's way to the kubelet's endpoint: HTTPS with a client certificate, the server's one verified. */
export class KubeletClient implements KubeletConnector {
  readonly #options: KubeletClientOptions;

  constructor(options: KubeletClientOptions) {
    this.#options = options;
  }

  async get(target: KubeletTarget, signal: AbortSignal): Promise<KubeletAnswer> {
    const outgoing = request({ ...(await this.#requestOptions(target)), signal });
    return new Promise((resolve, reject) => {
      outgoing.on("error", (error) => reject(this.#unreachable(error)));
      // An upgrade that nobody asked for ends the request without an error.
      outgoing.on("close", () => reject(this.#unreachable(new Error("the connection ended without an answer"))));
      outgoing.on("response", (response) => resolve(answerOf(response)));
      this.#limitConnecting(outgoing);
      outgoing.end();
    });
  }

  /**
   * Leads a client's upgrade to the kubelet's endpoint and carries the bytes until either side ends; WebSocket protocols
   * that nodes do not speak are translated to SPDY/3.1, as a kube-apiserver does. Bytes of the client go on only after the
   * node has agreed; a refusal is answered as a Status.
   */
  async forward(target: KubeletTarget, incoming: IncomingMessage, socket: Duplex, early: Buffer): Promise<void> {
    try {
      const offered = String(incoming.headers["sec-websocket-protocol"] ?? "");
      const translation = translationOf(target.path, target.query, offered);
      const headers = translation ? spdyHeaders(translation.spdyVersion) : forwardedHeaders(incoming);
      const gone = new AbortController();
      socket.once("close", () => gone.abort());
      const upgraded = await this.#upgrade(target, headers, gone.signal);
      const { connection: node, early: nodeEarly } = upgraded;
      if (translation)
        return translateWebSocket(translation, { incoming, client: socket, clientEarly: early, node, nodeEarly });
      const answered = Object.entries(upgraded.headers).map(([name, value]) => [name, String(value)] as const);
      socket.write(encodeResponseHead(101, "Switching Protocols", Object.fromEntries(answered)));
      join(socket, node, early, nodeEarly);
    } catch (error) {
      refuseUpgrade(socket, isApiError(error) ? error : this.#unreachable(error));
    }
  }

  async requestPod(podRequest: PodHttpRequest, signal: AbortSignal): Promise<PodHttpAnswer> {
    const { namespace, pod, port } = podRequest;
    const target: KubeletTarget = { method: "POST", path: `/portForward/${namespace}/${pod}`, query: "" };
    const { connection, early } = await this.#upgrade(target, spdyHeaders(PORT_FORWARD_SPDY_VERSION), signal);
    return requestOver(new PortForwardSocket(port, connection, early), podRequest, signal);
  }

  /** Asks for an upgrade. @throws ApiError the endpoint's refusal, or ServiceUnavailable */
  async #upgrade(
    target: KubeletTarget,
    headers: Readonly<Record<string, string | string[]>>,
    signal: AbortSignal,
  ): Promise<UpgradedConnection> {
    const outgoing = request({ ...(await this.#requestOptions(target)), headers, signal });
    return new Promise((resolve, reject) => {
      outgoing.on("error", (error) => reject(this.#unreachable(error)));
      outgoing.on("upgrade", (response, connection: Duplex, early: Buffer) => {
        connection.on("error", () => connection.destroy());
        resolve({ headers: response.headers, connection, early });
      });
      outgoing.on("response", (response) => {
        readRefusal(response).then((text) => reject(kubeletRefusal(response.statusCode ?? 0, text)), reject);
      });
      this.#limitConnecting(outgoing);
      outgoing.end();
    });
  }

  async #requestOptions({ method, path, query, nodeName }: KubeletTarget): Promise<RequestOptions> {
    const { host, port, client, authorityPem } = this.#options;
    const authority = await authorityPem();
    if (authority === undefined) throw this.#unreachable(new Error("CloudCore has not started on this cluster yet"));
    return {
      host,
      port,
      method,
      path: query === "" ? path : `${path}?${query}`,
      ca: authority,
      cert: client.certificatePem,
      key: client.privateKeyPem,
      agent: false,
      ...(nodeName === undefined ? {} : { headers: { "x-forwarded-uri": `/api/v1/nodes/${nodeName}/proxy${path}` } }),
      minVersion: "TLSv1.2",
    };
  }

  /** Only connecting is limited: a log that is followed may be silent for days. */
  #limitConnecting(outgoing: ReturnType<typeof request>): void {
    const timer = setTimeout(() => outgoing.destroy(new Error("no answer in time")), CONNECT_TIMEOUT_MS);
    for (const event of ["response", "upgrade", "close"]) outgoing.once(event, () => clearTimeout(timer));
  }

  #unreachable(error: unknown): ApiError {
    const { host, port } = this.#options;
    const message = `the nodes' streams cannot be reached: CloudCore at ${host}:${port}: ${describeError(error)}`;
    return new ApiError(failureStatus(503, "ServiceUnavailable", message, {}));
  }
}

function answerOf(response: IncomingMessage): KubeletAnswer {
  const contentType = response.headers["content-type"];
  return { status: response.statusCode ?? 0, body: response, ...(contentType === undefined ? {} : { contentType }) };
}

/** Answers an upgrade that is not done with a Status, which kubectl shows. */
export function refuseUpgrade(socket: Duplex, error: ApiError): void {
  if (socket.destroyed) return;
  const body = new TextEncoder().encode(JSON.stringify(error.status));
  const headers = {
    "content-type": "application/json",
    "content-length": String(body.length),
    connection: "close",
  };
  socket.write(encodeResponseHead(error.httpStatus, error.status.reason ?? "Error", headers));
  socket.end(body);
}

function forwardedHeaders(incoming: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    const name = (incoming.rawHeaders[at] ?? "").toLowerCase();
    if (UPGRADE_HEADERS.has(name)) headers[name] = [...(headers[name] ?? []), incoming.rawHeaders[at + 1] ?? ""];
  }
  return headers;
}

function spdyHeaders(spdyVersion: string): Record<string, string> {
  return { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": spdyVersion };
}

function join(client: Duplex, node: Duplex, clientEarly: Buffer, nodeEarly: Buffer): void {
  if (nodeEarly.length > 0) client.write(nodeEarly);
  if (clientEarly.length > 0) node.write(clientEarly);
  for (const [from, to] of [
    [client, node],
    [node, client],
  ] as const) {
    from.on("error", () => from.destroy());
    from.on("close", () => {
      if (!from.readableEnded) to.destroy();
      else setTimeout(() => to.destroy(), LINGER_MS).unref();
    });
    from.pipe(to);
  }
}

async function readRefusal(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length >= MAX_REFUSAL_BYTES) break;
  }
  return text.slice(0, MAX_REFUSAL_BYTES);
}
