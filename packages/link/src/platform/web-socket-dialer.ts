import type { IncomingMessage } from "node:http";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { abortReason } from "@skerry/base";
import { zeroMask } from "@skerry/base/platform";
import { type ClientOptions, WebSocket } from "ws";
import { DELIVERY_HEADER } from "../delivery/skerry/delivery-agreement.ts";
import { cloudBusy, dialFailed } from "../errors.ts";
import { DEFAULT_MESSAGE_LIMITS } from "../message-codec.ts";
import type { LinkConnection, LinkDialer } from "../transport.ts";
import { COMPRESSION_HEADER, COMPRESSION_NAME } from "./message-compression.ts";
import { flatHeaders, WebSocketConnection } from "./web-socket-connection.ts";

/** What an edge proves itself with, and whom it trusts; PEM. */
export interface LinkCredentials {
  /** The only authority that the cloud's certificate is accepted from. */
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface WebSocketDialerOptions {
  /** Asked at each dial, so that a renewed certificate is used. */
  readonly credentials: () => Promise<LinkCredentials>;
  /** For all of TCP, TLS and upgrade. @default 5_000 */
  readonly handshakeTimeoutMs?: number;
  /** Largest message that is read. @default 16 MiB */
  readonly maxMessageBytes?: number;
}

/** The cloud's lists can be larger than what an edge may send. */
const DEFAULT_MAX_MESSAGE_BYTES = 4 * DEFAULT_MESSAGE_LIMITS.maxBytes;

/** Dials CloudCore by WebSocket over TLS with the node's certificate (wire.md 3.1, 3.2). */
export class WebSocketDialer implements LinkDialer {
  readonly #options: WebSocketDialerOptions;
  /** Made of the credentials of the last dial; to read them again costs as much as a handshake. */
  #context: { readonly key: string; readonly secureContext: SecureContext } | undefined;
  /** Of the last handshake, and with what: it goes on only with the same certificate and trust. */
  #last: { readonly key: string; readonly session: Buffer } | undefined;

  constructor(options: WebSocketDialerOptions) {
    this.#options = options;
  }

  async dial(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<LinkConnection> {
    if (signal.aborted) throw abortReason(signal);
    if (!URL.canParse(url) || new URL(url).protocol !== "wss:")
      throw dialFailed(url, "this is no wss:// address", "Correct the CloudCore address in the configuration.");
    const credentials = await this.#options.credentials();
    if (signal.aborted) throw abortReason(signal);
    const maxMessageBytes = this.#options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    // Only together with Skerry's delivery: a KubeEdge never sees it.
    const offers = DELIVERY_HEADER in headers ? { [COMPRESSION_HEADER]: COMPRESSION_NAME } : {};
    const key = [url, credentials.authorityPem, credentials.certificatePem].join("\n");
    const resumed = this.#last?.key === key ? { session: this.#last.session } : {};
    const options: ClientOptions & { readonly secureContext: SecureContext } = {
      ...resumed,
      headers: { ...headers, ...offers },
      secureContext: this.#secureContext(key, credentials),
      perMessageDeflate: false,
      generateMask: zeroMask,
      autoPong: false,
      followRedirects: false,
      maxPayload: maxMessageBytes,
    };
    const socket = new WebSocket(url, options);
    const timeoutMs = this.#options.handshakeTimeoutMs ?? 5_000;
    const onSession = (session: Buffer): void => {
      this.#last = { key, session };
    };
    return opened(socket, url, { timeoutMs, maxMessageBytes, onSession }, signal);
  }

  #secureContext(key: string, { authorityPem, certificatePem, privateKeyPem }: LinkCredentials): SecureContext {
    if (this.#context?.key === key) return this.#context.secureContext;
    const secureContext = createSecureContext({
      ca: authorityPem,
      cert: certificatePem,
      key: privateKeyPem,
      minVersion: "TLSv1.2",
    });
    this.#context = { key, secureContext };
    return secureContext;
  }
}

/** Settles once the socket is open, or cannot become so. */
function opened(
  socket: WebSocket,
  url: string,
  options: {
    readonly timeoutMs: number;
    readonly maxMessageBytes: number;
    readonly onSession: (session: Buffer) => void;
  },
  signal: AbortSignal,
): Promise<LinkConnection> {
  const { timeoutMs, maxMessageBytes, onSession } = options;
  return new Promise((resolve, reject) => {
    let certificateFingerprint = "";
    let headers: Record<string, string> = {};
    const timer = setTimeout(() => fail(timedOut(url, timeoutMs)), timeoutMs);
    const onAbort = (): void => fail(abortReason(signal));
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
      socket.terminate();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => fail(explain(url, error)));
    socket.on("unexpected-response", (_request, response) => {
      readStart(response).then((text) => fail(refused(url, response, text)), fail);
    });
    socket.on("upgrade", (answer) => {
      const stream = answer.socket;
      headers = flatHeaders(answer);
      if (!(stream instanceof TLSSocket)) return;
      stream.setNoDelay(true);
      const session = stream.getSession();
      if (session) onSession(session);
      certificateFingerprint = stream.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase() ?? "";
    });
    socket.on("open", () => {
      settle();
      const peer = { name: new URL(url).hostname, groups: [], certificateFingerprint };
      const compression = headers[COMPRESSION_HEADER] === COMPRESSION_NAME ? { compression: { maxMessageBytes } } : {};
      resolve(new WebSocketConnection(socket, peer, { path: "", headers, receives: "down", ...compression }));
    });
  });
}

const MAX_REFUSAL_BYTES = 1024;
/** A cloud that asks for more is not believed. */
const MAX_RETRY_AFTER_S = 60;

/** The beginning of an answer's body, for the error's text. */
async function readStart(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length >= MAX_REFUSAL_BYTES) break;
  }
  return text.slice(0, MAX_REFUSAL_BYTES).trim();
}

function timedOut(url: string, timeoutMs: number): Error {
  return dialFailed(
    url,
    `no answer within ${timeoutMs / 1000} s`,
    "Check the network and that CloudCore is running; the edge keeps trying.",
  );
}

function refused(url: string, { statusCode: status = 0, headers }: IncomingMessage, text: string): Error {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  if (status === 503 && seconds >= 0) return cloudBusy(url, Math.min(seconds, MAX_RETRY_AFTER_S) * 1000, text);
  return dialFailed(
    url,
    `it answered HTTP ${status}${text ? `: ${text}` : ""}`,
    "Check that the address is CloudCore's WebSocket port (10000 unless changed).",
  );
}

function explain(url: string, error: Error & { code?: string }): Error {
  const code = error.code ?? "";
  if (code === "ECONNREFUSED")
    return dialFailed(
      url,
      "nothing listens there",
      "Start CloudCore, or correct its address; the edge keeps trying.",
      error,
    );
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return dialFailed(url, "the host name cannot be resolved", "Check the name and this machine's DNS.", error);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return dialFailed(
      url,
      "CloudCore's certificate is not for this address",
      "Add the address to CloudCore's advertiseAddress or dnsNames, or dial one that is in its certificate.",
      error,
    );
  if (/SELF_SIGNED|UNABLE_TO_|CERT_SIGNATURE/.test(code))
    return dialFailed(
      url,
      "CloudCore's certificate is from another authority than the one this node enrolled with",
      "If CloudCore was set up anew, enrol this node again with a fresh join token.",
      error,
    );
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return dialFailed(url, "CloudCore's certificate does not hold now", "Check the clocks of both machines.", error);
  if (/ALERT|SSL/.test(code))
    return dialFailed(
      url,
      `CloudCore refused this node's certificate (${error.message})`,
      "Enrol this node again with a fresh join token.",
      error,
    );
  return dialFailed(
    url,
    error.message,
    "Check the network and that CloudCore is running; the edge keeps trying.",
    error,
  );
}
