import * as http from "node:http";
import * as https from "node:https";
import { abortReason, isSkerryError } from "@skerry/base";
import { answerTooLarge, apiServerNotTrusted, apiUnreachable, kubeconfigInvalid } from "../errors.ts";
import type { KubeConnection } from "./kube-connection.ts";
import { RequestDeadline } from "./request-deadline.ts";

/** One HTTP request to the API server. */
export interface RestRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** @default "application/json" */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** How long to wait and how much to read. */
export interface RequesterLimits {
  /** Until a whole answer is there, in milliseconds. */
  readonly timeoutMs: number;
  readonly maximumAnswerBytes: number;
}

/** Errors of a TLS handshake that mean: not the server we expect. */
const TRUST_ERRORS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME/;

/** Requests at once. */
const MOST_SOCKETS = 16;
/** Connections that are not used for so long are closed. */
const IDLE_MS = 10_000;

/** Sends requests over kept-alive connections and turns failures into coded errors. */
export class HttpsRequester implements Disposable {
  readonly #connection: KubeConnection;
  readonly #limits: RequesterLimits;
  readonly #agent: http.Agent;
  /** Watches hold a connection each; on an agent of their own they never starve the short requests. */
  readonly #watchAgent: http.Agent;

  /** @throws SkerryError `KUBE_KUBECONFIG_INVALID` when the certificate and its key do not work */
  constructor(connection: KubeConnection, limits: RequesterLimits) {
    this.#connection = connection;
    this.#limits = limits;
    const { caCertificatePem, clientCertificatePem, clientKeyPem, serverName } = connection;
    const secure = connection.server.startsWith("https:");
    const tlsOptions: https.AgentOptions = {
      rejectUnauthorized: !connection.insecureSkipTlsVerify,
      ...(caCertificatePem ? { ca: caCertificatePem } : {}),
      ...(clientCertificatePem ? { cert: clientCertificatePem } : {}),
      ...(clientKeyPem ? { key: clientKeyPem } : {}),
      ...(serverName ? { servername: serverName } : {}),
    };
    const agentOf = (options: https.AgentOptions): http.Agent =>
      secure ? new https.Agent({ ...tlsOptions, ...options }) : new http.Agent(options);
    // Under load none is closed between two requests: a handshake costs more than most of these. Those that are then not
    // needed any more go when they were idle for a while.
    this.#agent = agentOf({
      keepAlive: true,
      maxSockets: MOST_SOCKETS,
      maxFreeSockets: MOST_SOCKETS,
      timeout: IDLE_MS,
    });
    this.#watchAgent = agentOf({ keepAlive: true, maxFreeSockets: 0 });
  }

  /** Sends and reads the whole answer as text. */
  async send(request: RestRequest): Promise<{ readonly status: number; readonly text: string }> {
    const { timeoutMs, maximumAnswerBytes } = this.#limits;
    using deadline = new RequestDeadline(timeoutMs, request.signal);
    try {
      const response = await this.#begin(request, deadline.signal, this.#agent);
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        if (sizeBytes > maximumAnswerBytes) {
          response.destroy();
          throw answerTooLarge(this.#connection.server, maximumAnswerBytes);
        }
        chunks.push(chunk);
      }
      if (!response.complete) throw new Error("the answer broke off");
      return { status: response.statusCode ?? 0, text: Buffer.concat(chunks, sizeBytes).toString("utf8") };
    } catch (error) {
      if (deadline.isOver && !request.signal?.aborted)
        throw apiUnreachable(this.#connection.server, `no answer within ${timeoutMs} ms`, error);
      throw this.#explain(error, request.signal);
    }
  }

  /** Sends and hands out the answer as it comes; only its start has a time limit. */
  async stream(request: RestRequest): Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> }> {
    const { timeoutMs } = this.#limits;
    const deadline = new RequestDeadline(timeoutMs, request.signal);
    try {
      const response = await this.#begin(request, deadline.signal, this.#watchAgent);
      deadline.lift();
      response.once("close", () => deadline[Symbol.dispose]());
      return { status: response.statusCode ?? 0, body: this.#explained(response, request.signal) };
    } catch (error) {
      deadline[Symbol.dispose]();
      if (deadline.isOver && !request.signal?.aborted)
        throw apiUnreachable(this.#connection.server, `no answer within ${timeoutMs} ms`, error);
      throw this.#explain(error, request.signal);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
    this.#watchAgent.destroy();
  }

  async *#explained(response: http.IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    try {
      yield* response as AsyncIterable<Buffer>;
    } catch (error) {
      throw this.#explain(error, signal);
    } finally {
      response.destroy();
    }
  }

  async #begin(request: RestRequest, signal: AbortSignal, agent: http.Agent): Promise<http.IncomingMessage> {
    signal.throwIfAborted();
    const { server, authorization } = this.#connection;
    const url = new URL(server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const text = request.rawBody ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
    const body = text === undefined ? undefined : Buffer.from(text);
    const headers: http.OutgoingHttpHeaders = { accept: "application/json", "user-agent": "skerry" };
    for (const [name, value] of Object.entries(request.headers ?? {}))
      headers[name] = typeof value === "string" ? value : [...value];
    if (authorization) headers["authorization"] = await authorization();
    if (body) {
      headers["content-type"] = request.contentType ?? "application/json";
      headers["content-length"] = body.length;
    }
    const options: https.RequestOptions = { method: request.method, headers, agent, signal };
    return new Promise((resolve, reject) => {
      const sent = url.protocol === "https:" ? https.request(url, options) : http.request(url, options);
      sent.once("response", resolve);
      sent.on("error", reject);
      sent.end(body);
    });
  }

  #explain(error: unknown, signal: AbortSignal | undefined): Error {
    if (signal?.aborted) return abortReason(signal);
    if (isSkerryError(error)) return error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const text = error instanceof Error ? error.message : String(error);
    const { server } = this.#connection;
    if (code.startsWith("ERR_OSSL") || code === "ERR_INVALID_ARG_VALUE")
      return kubeconfigInvalid(`for ${server}`, `its client certificate or key does not work: ${text}`, error);
    if (TRUST_ERRORS.test(code)) return apiServerNotTrusted(server, text, error);
    return apiUnreachable(server, text || code, error);
  }
}
