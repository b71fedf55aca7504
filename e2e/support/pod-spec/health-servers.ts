import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";

const SERVING = 1;
const NOT_SERVING = 2;

/** Servers of the machine that probes ask: one of the gRPC health protocol, one of plain HTTP. */
export class HealthServers {
  /** Services that were asked for. */
  readonly services: Set<string> = new Set();
  /** Paths that were asked for. */
  readonly paths: Set<string> = new Set();
  /** What the gRPC server says. */
  serving = true;
  readonly #grpc: Http2Server;
  readonly #http: Server;

  private constructor() {
    this.#grpc = createHttp2Server();
    this.#grpc.on("stream", (stream) => {
      const chunks: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        // Frame head (5 bytes), then field 1: a tag, the length and the service's name.
        this.services.add(Buffer.concat(chunks).subarray(7).toString());
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, this.serving ? SERVING : NOT_SERVING]));
      });
    });
    this.#http = createServer((request, response) => {
      this.paths.add(request.url ?? "");
      response.end();
    });
  }

  static async start(): Promise<HealthServers> {
    const servers = new HealthServers();
    servers.#grpc.listen(0);
    servers.#http.listen(0, "127.0.0.1");
    await Promise.all([once(servers.#grpc, "listening"), once(servers.#http, "listening")]);
    return servers;
  }

  get grpcPort(): number {
    return portOf(this.#grpc);
  }

  get httpPort(): number {
    return portOf(this.#http);
  }

  close(): void {
    this.#grpc.close();
    this.#http.close();
    this.#http.closeAllConnections();
  }
}

function portOf(server: Server | Http2Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
