import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { RouterConfig } from "@skerry/api";
import { describeError, type ListeningPort, type Logger } from "@skerry/base";
import { BodyRoom, ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import { httpsListenFailed } from "../../platform/errors.ts";
import { routerFileUnreadable, tokenFileUnusable } from "../errors.ts";
import { type RestRequest, type RestResponse, textResponse } from "../http-exchange.ts";

export interface RouterServerOptions {
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
  readonly config: RouterConfig;
  /** Instead of the configuration's; 0: any free one. */
  readonly port?: number;
  readonly handle: (request: RestRequest, signal: AbortSignal) => Promise<RestResponse>;
  readonly logger: Logger;
}

/** As base64 within a message of the link, whose limit is 4 MiB. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Of all requests that are read or wait for their node; they may be a thousand. */
const ALL_BODIES_BYTES = 128 * 1024 * 1024;
const MAX_CONNECTIONS = 1_000;
const LIMITS: ConnectionLimits = {
  maxConnections: MAX_CONNECTIONS,
  maxUnprovenPerAddress: MAX_CONNECTIONS, // Nobody has a certificate here, and a proxy may stand before all callers.
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 10_000,
  maxHeaderBytes: 16 * 1024,
};
const SHORTEST_TOKEN = 16;

/**
 * The router's HTTP entry, port 9443 (cloud.md 6.3): plain as KubeEdge's, or with TLS and a bearer token when they are
 * configured.
 * @throws SkerryError `ROUTER_FILE_UNREADABLE`, `ROUTER_TOKEN_FILE_UNUSABLE`, `CLOUDHUB_PORT_IN_USE`
 */
export async function serveRouter(options: RouterServerOptions): Promise<ListeningPort> {
  const { config, logger } = options;
  const { address } = config.listen;
  const port = options.port ?? config.listen.port;
  const token = config.tokenFile === "" ? undefined : await readToken(config.tokenFile);
  const room = new BodyRoom(ALL_BODIES_BYTES);
  const server = await makeServer(config, (request, response) => {
    answer(options, { token, room }, request, response).catch((error: unknown) => {
      logger.debug("A request to the router broke off", { error: describeError(error) });
      response.destroy();
    });
  });
  const guard = new ConnectionGuard(server, LIMITS);
  const listening = await listenGuarded(server, guard, { ...options, address, port }, (cause) =>
    httpsListenFailed("modules.router.port", address, port, cause),
  );
  if (token === undefined && !/^(127\.|::1$|localhost$)/.test(address))
    logger.warn("Anyone who reaches the router's port may call services of edge nodes", {
      address,
      port: listening.port,
      advice: "Set modules.router.tokenFile, or modules.router.address to 127.0.0.1.",
    });
  return listening;
}

async function makeServer(
  { tls }: RouterConfig,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const limits = serverLimits(LIMITS);
  if (!tls) return createServer(limits, onRequest);
  const read = (path: string): Promise<string> =>
    readFile(path, "utf8").catch((error: unknown) => {
      throw routerFileUnreadable(path, error);
    });
  const pair = { cert: await read(tls.certificateFile), key: await read(tls.privateKeyFile) };
  return createSecureServer({ ...limits, ...pair }, onRequest);
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw tokenFileUnusable(path, describeError(error));
  });
  const token = text.trim();
  if (token.length < SHORTEST_TOKEN || /\s/.test(token))
    throw tokenFileUnusable(path, `it does not hold one token of at least ${SHORTEST_TOKEN} characters`);
  return token;
}

async function answer(
  options: RouterServerOptions,
  { token, room }: { readonly token: string | undefined; readonly room: BodyRoom },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (token !== undefined && !sameText(token, given)) {
    respond(response, textResponse(401, "The router wants its bearer token."), {
      "www-authenticate": ["Bearer"],
      connection: ["close"], // A stranger's body is not read.
    });
    return;
  }
  const connection = ["close"];
  await room.read(request, MAX_BODY_BYTES, async (body) => {
    if (body === "too-large")
      respond(response, textResponse(413, `At most ${MAX_BODY_BYTES} bytes go over the link.`), { connection });
    else if (body === "no-room")
      respond(response, textResponse(429, "Too much waits for edge nodes already."), {
        ...{ connection, "retry-after": ["1"] },
      });
    else await call(options, body, request, response);
  });
}

async function call(
  options: RouterServerOptions,
  body: Uint8Array<ArrayBuffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const target = request.url ?? "/";
  const queryAt = target.indexOf("?");
  const result = await options.handle(
    {
      method: request.method ?? "GET",
      path: queryAt < 0 ? target : target.slice(0, queryAt),
      query: queryAt < 0 ? "" : target.slice(queryAt),
      headers: headersOf(request),
      body,
    },
    gone.signal,
  );
  respond(response, result);
}

function respond(
  response: ServerResponse,
  { status, headers, body }: RestResponse,
  extra: Readonly<Record<string, readonly string[]>> = {},
): void {
  const all: Record<string, string[]> = { "content-length": [String(body.byteLength)] };
  for (const [name, values] of Object.entries({ ...headers, ...extra })) all[name] = [...values];
  response.writeHead(status, all);
  response.end(body);
}

function headersOf(request: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) if (values) headers[name] = values;
  return headers;
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
