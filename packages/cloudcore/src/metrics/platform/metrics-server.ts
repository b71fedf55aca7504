import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeError, type Logger } from "@skerry/base";
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
const MAX_SCRAPER_LENGTH = 64;

/**
 * Serves `/metrics` and `/metrics/nodes` to Prometheus. Without TLS and without asking who it is, so it should listen where
 * only Prometheus comes.
 * @throws SkerryError of a port in use
 */
export async function serveMetrics(
  options: MetricsServerOptions,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, (incoming, response) => {
    answer(options, incoming, response).catch((error: unknown) => {
      options.logger.debug("A scrape failed", { error: describeError(error) });
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(httpsListenFailed("skerry.metrics.port", options.address, options.port, error)),
    );
    server.listen(options.port, options.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  { metrics }: MetricsServerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path, query] = (incoming.url ?? "").split("?");
  if (incoming.method !== "GET" || (path !== "/metrics" && path !== "/metrics/nodes")) {
    response.writeHead(404, { "content-type": "text/plain" }).end("served are GET /metrics and GET /metrics/nodes\n");
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
