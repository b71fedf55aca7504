import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { SpanSink } from "../tracing/otlp-exporter.ts";

const TIMEOUT_MS = 10_000;

/** A collector's OTLP/HTTP endpoint, e.g. `http://127.0.0.1:4318/v1/traces`. */
export class HttpSpanSink implements SpanSink {
  readonly #url: URL;

  constructor(url: URL) {
    this.#url = url;
  }

  post(body: string): Promise<void> {
    const request = this.#url.protocol === "https:" ? requestHttps : requestHttp;
    const bytes = Buffer.from(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        this.#url,
        {
          method: "POST",
          headers: { "content-type": "application/json", "content-length": bytes.length },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (response) => {
          const { statusCode = 0 } = response;
          response.on("error", reject);
          response.on("end", () => {
            if (statusCode >= 200 && statusCode < 300) resolve();
            else reject(new Error(`the collector answered ${statusCode}`));
          });
          response.resume();
        },
      );
      outgoing.on("error", reject);
      outgoing.end(bytes);
    });
  }
}
