import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { readBody } from "@skerry/base/platform";
import type { RestApi } from "../rest-api.ts";

export interface RestServerOptions {
  readonly address: string;
  /** 0: any. */
  readonly port: number;
  /** What a caller shows as `authorization: Bearer …`; undefined lets everybody in. */
  readonly token: string | undefined;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAXIMUM_HEADER_BYTES = 8 * 1024;
const MAXIMUM_CONNECTIONS = 64;
/** A body says nothing here, but who is not read to its end may be reset before it has read the answer. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Serves a mapper's REST API over plain HTTP; the port is the one that it got. */
export async function serveRestApi(
  api: RestApi,
  { address, port, token }: RestServerOptions,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer(
    { maxHeaderSize: MAXIMUM_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    async (request, response) => {
      try {
        if (!(await readBody(request, BODY_LIMIT_BYTES))) response.setHeader("connection", "close");
      } catch {
        return; // The caller has gone, or was cut off because it took too long.
      }
      const correlation = request.headers["x-correlation-id"];
      if (typeof correlation === "string") response.setHeader("x-correlation-id", correlation);
      if (token !== undefined && !shows(request, token)) {
        response.writeHead(401, { "www-authenticate": "Bearer", "content-type": "text/plain" });
        response.end("a token is needed: authorization: Bearer TOKEN\n");
        return;
      }
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const { status, contentType, body } = await api.answer(request.method ?? "GET", path);
      response.writeHead(status, { "content-type": contentType });
      response.end(body);
    },
  );
  server.maxConnections = MAXIMUM_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : port,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function shows(request: IncomingMessage, token: string): boolean {
  const shown = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return shown.length === wanted.length && timingSafeEqual(shown, wanted);
}
