import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { MetaServerSection } from "@skerry/api";
import { describeError, type Logger } from "@skerry/base";
import { BodyRoom, ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import { failureStatus } from "@skerry/kube";
import { type ApiRequest, type ApiResponse, statusResponse } from "../api-exchange.ts";
import { metaServerListenFailed, metaServerTokenUnusable } from "../errors.ts";
import type { ApiListener } from "../meta-server.ts";

/** Above the 1.5 MiB that Kubernetes stores of one object, and below what a message of the link holds as base64. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Of all requests that are read or answered: a limit for each is not enough for the memory of a node. */
const ALL_BODIES_BYTES = 16 * 1024 * 1024;
const MAX_CONNECTIONS = 256;
const LIMITS: ConnectionLimits = {
  maxConnections: MAX_CONNECTIONS,
  maxUnprovenPerAddress: MAX_CONNECTIONS, // All callers have this machine's address.
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxHeaderBytes: 32 * 1024,
};
const SHORTEST_TOKEN = 16;
/** A web page in a browser of this machine must not get here by a name that leads to this address. */
const OWN_HOST = /^(localhost|[0-9.]+|\[[0-9a-fA-F:]+\])(:\d+)?$/;

/**
 * {@link ApiListener} of this machine: plain HTTP where the configuration says, with a bearer token where it names one.
 * @throws SkerryError `METASERVER_TOKEN_FILE_UNUSABLE`
 */
export async function apiListener(
  { address, port, tokenFile }: MetaServerSection,
  logger: Logger,
): Promise<ApiListener> {
  const token = tokenFile === "" ? undefined : await readToken(tokenFile);
  return {
    listen: async (handle) => {
      const room = new BodyRoom(ALL_BODIES_BYTES);
      const server = createServer(serverLimits(LIMITS), (request, response) => {
        serve(request, response, { token, room }, handle).catch((error: unknown) => {
          logger.debug("A request to the MetaServer broke off", { error: describeError(error) });
          response.destroy();
        });
      });
      const guard = new ConnectionGuard(server, LIMITS);
      return listenGuarded(server, guard, { address, port }, (cause) =>
        metaServerListenFailed(address, port, describeError(cause), cause),
      );
    },
  };
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw metaServerTokenUnusable(path, describeError(error));
  });
  const token = text.trim();
  if (token.length < SHORTEST_TOKEN || /\s/.test(token))
    throw metaServerTokenUnusable(path, `it does not hold one word of at least ${SHORTEST_TOKEN} characters`);
  return token;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { token, room }: { readonly token: string | undefined; readonly room: BodyRoom },
  handle: (request: ApiRequest) => Promise<ApiResponse>,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const refusal = refusalOf(request, token);
  if (refusal) {
    response.setHeader("connection", "close"); // A stranger's body is not read.
    return send(response, refusal, gone.signal);
  }
  const answer = await room.read(request, MAX_BODY_BYTES, async (body) => {
    if (typeof body !== "string") return handle(requestOf(request, body, token !== undefined, gone.signal));
    response.setHeader("connection", "close");
    if (body === "no-room")
      return statusResponse(
        failureStatus(429, "TooManyRequests", "too many large requests are read at once", { retryAfterSeconds: 1 }),
      );
    const limit = `a request has at most ${MAX_BODY_BYTES} bytes`;
    return statusResponse(failureStatus(413, "RequestEntityTooLarge", limit));
  });
  await send(response, answer, gone.signal, request.method === "HEAD");
}

function requestOf(
  { url = "/", method = "GET", headers }: IncomingMessage,
  body: Uint8Array,
  hasToken: boolean,
  signal: AbortSignal,
): ApiRequest {
  const mark = url.indexOf("?");
  return {
    method,
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
    ),
    body: new TextDecoder().decode(body),
    signal,
    hasToken,
  };
}

function refusalOf({ headers }: IncomingMessage, token: string | undefined): ApiResponse | undefined {
  if (!OWN_HOST.test(headers.host ?? "") || headers.origin !== undefined)
    return statusResponse(
      failureStatus(403, "Forbidden", "the MetaServer serves no web pages; call it by its address"),
    );
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
  if (token === undefined || sameText(token, given)) return undefined;
  return statusResponse(failureStatus(401, "Unauthorized", "the MetaServer wants its bearer token"));
}

async function send(response: ServerResponse, answer: ApiResponse, gone: AbortSignal, isHead = false): Promise<void> {
  response.writeHead(answer.status, answer.headers);
  if (isHead) {
    response.end();
    return;
  }
  if (typeof answer.body === "string") {
    response.end(answer.body);
    return;
  }
  response.flushHeaders();
  for await (const text of answer.body) {
    if (gone.aborted) break;
    // A client that does not read is waited for, and gone when its connection is.
    if (!response.write(text)) await once(response, "drain", { signal: gone }).catch(() => undefined);
  }
  response.end();
}

/** Compares in constant time. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
