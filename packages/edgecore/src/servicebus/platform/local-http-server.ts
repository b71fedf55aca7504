import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import type { ServiceBusSection } from "@skerry/api";
import { describeError } from "@skerry/base";
import { readBody } from "@skerry/base/platform";
import { listenFailed } from "../errors.ts";
import type { LocalHttpServer } from "../http-ports.ts";

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 256;

/** {@link LocalHttpServer} of this machine, where the configuration says. */
export function localHttpServer({
  address,
  port,
  tls,
}: Omit<ServiceBusSection, "enabled" | "timeoutMs">): LocalHttpServer {
  return {
    async listen(handle, { maximumBodyBytes }) {
      const sockets = new Set<Socket>();
      const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
        answer(request, response, handle, maximumBodyBytes).catch(() => response.destroy());
      };
      let server: Server;
      try {
        server = tls
          ? createSecureServer(
              { ...LIMITS, cert: await readFile(tls.certificateFile), key: await readFile(tls.privateKeyFile) },
              onRequest,
            )
          : createServer(LIMITS, onRequest);
        server.maxConnections = MAX_CONNECTIONS;
        server.on("connection", (socket: Socket) => {
          sockets.add(socket);
          socket.once("close", () => sockets.delete(socket));
        });
        server.on("clientError", (_error, socket) => socket.destroy());
        await new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen(port, address, resolve);
        });
      } catch (error) {
        throw listenFailed(address, port, describeError(error), error);
      }
      return {
        async [Symbol.asyncDispose](): Promise<void> {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          for (const socket of sockets) socket.destroy();
          await closed;
        },
      };
    },
  };
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
