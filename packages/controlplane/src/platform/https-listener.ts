import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { type AddressInfo, isIPv6 } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { type ConnectionCounters, describeError, type Logger } from "@skerry/base";
import { ConnectionGuard, type ConnectionLimits, serverLimits } from "@skerry/base/platform";
import { ApiError, badRequest, isApiError } from "@skerry/kube";
import type { ApiHandler } from "../apiserver/api-handler.ts";
import type { ApiRequest, ApiResponse } from "../apiserver/api-request.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { requestTooLarge, streamNotServed, tooManyRequests, unauthorized } from "../registry/status-errors.ts";
import { BodyBudget, type BodyBudgetOptions, type BodyShare } from "./body-budget.ts";
import type { PemPair } from "./credentials.ts";
import { listenFailed, portInUse } from "./errors.ts";
import { type KubeletClient, refuseUpgrade } from "./kubelet-client.ts";
import { connectionsWithin, openFileLimit } from "./open-file-limit.ts";
import { sendAnswer } from "./send-answer.ts";

const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
const LIMITS: ConnectionLimits = {
  // Without HTTP/2 each watch has a connection.
  maxConnections: 16_000,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 90_000,
  maxHeaderBytes: 64 * 1024,
};
/** Read of a body before it is known who sends it, so that strangers cannot fill the memory. */
const STRANGERS_BODY_LIMIT_BYTES = 16 * 1024;

/** How to listen. */
export interface ListenOptions {
  readonly handler: Pick<ApiHandler, "handle" | "knownUser" | "upgradeTarget">;
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly server: PemPair;
  readonly authorityPem: string;
  readonly logger: Logger;
  /** Left out: upgrades are refused. */
  readonly kubelet?: KubeletClient;
  /** How long a client may take nothing of its answer. @default a minute */
  readonly stalledTimeoutMs?: number;
  readonly bodyBudget?: BodyBudgetOptions;
}

/** The socket of an API server. */
export interface HttpsListener extends AsyncDisposable {
  readonly port: number;
  readonly counters: ConnectionCounters;
  /** Requests that were turned away because too many large bodies were read at once. */
  readonly refusedBodies: number;
}

/** Listens for HTTPS and hands requests to the handler. @throws `CONTROLPLANE_PORT_IN_USE`, `CONTROLPLANE_LISTEN_FAILED` */
export async function listenHttps(options: ListenOptions): Promise<HttpsListener> {
  const { logger } = options;
  const limits = limitsHere(logger);
  const bodies = new BodyBudget(options.bodyBudget);
  const server = createServer(
    {
      key: options.server.privateKeyPem,
      cert: options.server.certificatePem,
      ca: options.authorityPem,
      // Tokens come without a certificate; one that is shown and does not hold is answered 401.
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ...serverLimits(limits),
    },
    (incoming, outgoing) => {
      answer(options, bodies, incoming, outgoing).catch((error: unknown) => {
        logger.warn("A connection broke off", { path: incoming.url ?? "", error: describeError(error) });
        outgoing.destroy();
      });
    },
  );
  // Foreign clients (plain HTTP, port scanners) are no failure of ours.
  const guard = new ConnectionGuard(server, limits, (remoteAddress, reason) =>
    logger.debug("A connection was refused", { remoteAddress, reason }),
  );
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, early: Buffer) => {
    socket.on("error", () => socket.destroy());
    upgrade(options, incoming, socket, early).catch((error: unknown) => {
      logger.warn("An upgrade broke off", { path: incoming.url ?? "", error: describeError(error) });
      socket.destroy();
    });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get counters(): ConnectionCounters {
      return guard.counters;
    },
    get refusedBodies(): number {
      return bodies.refused;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = once(server, "close");
      server.close();
      guard.closeAll();
      await closed;
    },
  };
}

/** The limits, lower where the machine does not allow as many open files. */
function limitsHere(logger: Logger): ConnectionLimits {
  const openFiles = openFileLimit();
  const maxConnections = connectionsWithin(openFiles, LIMITS.maxConnections);
  if (maxConnections < LIMITS.maxConnections)
    logger.warn("Fewer connections than usual: raise the limit of open files (ulimit -n, LimitNOFILE of systemd)", {
      ...{ openFiles, maxConnections, usual: LIMITS.maxConnections },
    });
  return { ...LIMITS, maxConnections };
}

async function listen(server: Server, { address, port }: ListenOptions): Promise<void> {
  const listening = once(server, "listening");
  server.listen(port, address);
  try {
    await listening;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const shown = isIPv6(address) ? `[${address}]` : address;
    throw code === "EADDRINUSE" ? portInUse(shown, port, error) : listenFailed(shown, port, error);
  }
}

async function answer(
  { handler, stalledTimeoutMs }: ListenOptions,
  bodies: BodyBudget,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  // A request that was answered needs no end, which would cost an exception with its stack.
  outgoing.on("close", () => outgoing.writableFinished || gone.abort());
  const receiver = { outgoing, signal: gone.signal, ...(stalledTimeoutMs === undefined ? {} : { stalledTimeoutMs }) };
  await sendAnswer(receiver, await answerTo(handler, bodies, incoming, gone.signal));
}

async function answerTo(
  handler: ListenOptions["handler"],
  bodies: BodyBudget,
  incoming: IncomingMessage,
  signal: AbortSignal,
): Promise<ApiResponse> {
  using share = bodies.share();
  const request = await readRequest(handler, share, incoming, signal);
  if (!(request instanceof ApiError)) return await handler.handle(request);
  const seconds = request.status.details?.retryAfterSeconds;
  const headers = { "content-type": "application/json", connection: "close" };
  return {
    status: request.httpStatus,
    headers: seconds === undefined ? headers : { ...headers, "retry-after": String(seconds) },
    body: JSON.stringify(request.status),
  };
}

/** The whole request, or why it is not read to its end. */
async function readRequest(
  handler: Pick<ApiHandler, "knownUser">,
  share: BodyShare,
  incoming: IncomingMessage,
  signal: AbortSignal,
): Promise<ApiRequest | ApiError> {
  try {
    const head = headOf(incoming, signal);
    const body = await readBody(incoming, share, () => handler.knownUser(head));
    return body instanceof ApiError ? body : { ...head, body };
  } catch (error) {
    if (isApiError(error)) return error;
    throw error;
  }
}

/** exec, attach, port-forward: leads the connection to the node, once it is clear who asks and that they may. */
async function upgrade(
  { handler, kubelet }: ListenOptions,
  incoming: IncomingMessage,
  socket: Duplex,
  early: Buffer,
): Promise<void> {
  const gone = new AbortController();
  try {
    const target = await handler.upgradeTarget({ ...headOf(incoming, gone.signal), body: new Uint8Array() });
    if (!kubelet) throw streamNotServed("upgrade");
    if (socket.destroyed) return;
    await kubelet.forward(target, incoming, socket, early);
  } catch (error) {
    if (!isApiError(error)) throw error;
    refuseUpgrade(socket, error);
  }
}

/** The request without its body. @throws ApiError BadRequest when it is for no path */
function headOf(incoming: IncomingMessage, signal: AbortSignal): Omit<ApiRequest, "body"> {
  const { url: target = "/" } = incoming;
  // A proxy's client sends the whole URL.
  const text = target.startsWith("/") ? `https://server${target}` : target;
  if (!URL.canParse(text)) throw badRequest("the request is for no path");
  const url = new URL(text);
  const user = certificateUser(incoming);
  return {
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
    ),
    ...(user ? { certificateUser: user } : {}),
    ...(incoming.socket.remoteAddress === undefined ? {} : { sourceAddress: incoming.socket.remoteAddress }),
    signal,
  };
}

/** The whole body, or why it is not read to its end. */
async function readBody(
  incoming: IncomingMessage,
  share: BodyShare,
  knownUser: () => UserInfo | undefined,
): Promise<Uint8Array | ApiError> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  let user: UserInfo | undefined;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > STRANGERS_BODY_LIMIT_BYTES) {
      user ??= knownUser();
      if (!user) return unauthorized();
      if (sizeBytes > BODY_LIMIT_BYTES) return requestTooLarge(BODY_LIMIT_BYTES);
      if (!share.take(user, chunk.length)) return tooManyRequests("too many large bodies are read at once");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reading a certificate takes longer than most else of a small request, and a connection keeps its own. */
const certificateUsers = new WeakMap<TLSSocket, UserInfo>();

/** Who the client certificate names: the common name is the user, organizations are the groups. */
function certificateUser(incoming: IncomingMessage): UserInfo | undefined {
  const { socket } = incoming;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const known = certificateUsers.get(socket);
  if (known) return known;
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  if (!subject?.CN) return undefined;
  const organizations: unknown = subject.O;
  const groups = Array.isArray(organizations)
    ? organizations.map(String)
    : organizations
      ? [String(organizations)]
      : [];
  const digest = fingerprint256.replaceAll(":", "").toLowerCase();
  const user: UserInfo = {
    username: Array.isArray(subject.CN) ? String(subject.CN[0]) : subject.CN,
    groups,
    extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${digest}`] },
  };
  certificateUsers.set(socket, user);
  return user;
}
