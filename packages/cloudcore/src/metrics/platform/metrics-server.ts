import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describeError, type ListeningPort, type Logger } from "@skerry/base";
import { ConnectionGuard, type ConnectionLimits, listenGuarded, serverLimits } from "@skerry/base/platform";
import { httpsListenFailed } from "../../platform/errors.ts";
import type { CloudMetrics } from "../cloud-metrics.ts";

export interface MetricsServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Pick<CloudMetrics, "own" | "ofNodes">;
  readonly logger: Logger;
}

const TYPE = "text/plain; version=0.0.4; charset=utf-8";
const MAX_CONNECTIONS = 20;
const TIMEOUT_MS = 10_000;
const LIMITS: ConnectionLimits = {
  maxConnections: MAX_CONNECTIONS,
  maxUnprovenPerAddress: MAX_CONNECTIONS, // Nobody has a certificate here.
  handshakeTimeoutMs: TIMEOUT_MS,
  headersTimeoutMs: TIMEOUT_MS,
  requestTimeoutMs: TIMEOUT_MS,
  idleTimeoutMs: TIMEOUT_MS,
  maxHeaderBytes: 16 * 1024,
};
const MAX_SCRAPER_LENGTH = 64;

/**
 * Serves `/metrics` and `/metrics/nodes` to Prometheus. Without TLS and without asking who it is, so it should listen where
 * only Prometheus comes.
 * @throws SkerryError of a port in use
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<ListeningPort> {
  const server = createServer(serverLimits(LIMITS), (incoming, response) => {
    answer(options, incoming, response).catch((error: unknown) => {
      options.logger.debug("A scrape failed", { error: describeError(error) });
      response.destroy();
    });
  });
  const guard = new ConnectionGuard(server, LIMITS);
  return listenGuarded(server, guard, options, (error) =>
    httpsListenFailed("skerry.metrics.port", options.address, options.port, error),
  );
}

async function answer(
  { metrics }: MetricsServerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path, query] = (incoming.url ?? "").split("?");
  if (incoming.method !== "GET" || (path !== "/metrics" && path !== "/metrics/nodes")) {
    // The connection ends: what else the client may be sending is not read.
    const headers = { "content-type": "text/plain", connection: "close" };
    response.writeHead(404, headers).end("served are GET /metrics and GET /metrics/nodes\n");
    return;
  }
  if (path === "/metrics") {
    response.writeHead(200, { "content-type": TYPE }).end(metrics.own());
    return;
  }
  const scraper = new URLSearchParams(query).get("scraper") ?? incoming.socket.remoteAddress ?? "";
  const { text, delivered } = await metrics.ofNodes(scraper.slice(0, MAX_SCRAPER_LENGTH));
  response.once("finish", delivered).writeHead(200, { "content-type": TYPE }).end(text);
}
