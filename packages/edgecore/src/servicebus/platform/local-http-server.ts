import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { ServiceBusSection } from "@skerry/api";
import { describeError } from "@skerry/base";
import { ConnectionGuard, type ConnectionLimits, listenGuarded, readBody, serverLimits } from "@skerry/base/platform";
import { listenFailed } from "../errors.ts";
import type { LocalHttpServer } from "../http-ports.ts";

const MAX_CONNECTIONS = 256;
const LIMITS: ConnectionLimits = {
  maxConnections: MAX_CONNECTIONS,
  maxUnprovenPerAddress: MAX_CONNECTIONS, // All callers have this machine's address.
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 10_000,
  maxHeaderBytes: 16 * 1024,
};

/** {@link LocalHttpServer} of this machine, where the configuration says. */
export function localHttpServer({
  address,
  port,
  tls,
}: Omit<ServiceBusSection, "enabled" | "timeoutMs">): LocalHttpServer {
  return {
    async listen(handle, { maximumBodyBytes }) {
      const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
        answer(request, response, handle, maximumBodyBytes).catch(() => response.destroy());
      };
      const failed = (error: unknown): Error => listenFailed(address, port, describeError(error), error);
      const server = await makeServer(tls, onRequest).catch((error: unknown) => {
        throw failed(error);
      });
      return listenGuarded(server, new ConnectionGuard(server, LIMITS), { address, port }, failed);
    },
  };
}

async function makeServer(
  tls: ServiceBusSection["tls"],
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const limits = serverLimits(LIMITS);
  if (!tls) return createServer(limits, onRequest);
  const pair = { cert: await readFile(tls.certificateFile), key: await readFile(tls.privateKeyFile) };
  return createSecureServer({ ...limits, ...pair }, onRequest);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (body: Uint8Array) => Promise<string>,
  limitBytes: number,
): Promise<void> {
  const body = await readBody(request, limitBytes);
  if (!body) {
    response.writeHead(413, { connection: "close" }).end();
    return;
  }
  const text = await handle(body);
  response.writeHead(200, { "content-type": "application/json" }).end(text);
}
