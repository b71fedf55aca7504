import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Answer = (stream: ServerHttp2Stream, request: Uint8Array, headers: IncomingHttpHeaders) => void;

/** A gRPC server on a unix socket or a port of loopback that answers as the test says, by method name. */
export class FakeGrpcServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Http2Server;
  readonly socketPath: string;

  private constructor(folder: string, answers: Readonly<Record<string, Answer>>) {
    this.#folder = folder;
    this.socketPath = join(folder, "s");
    this.#server = createServer();
    this.#server.on("stream", (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const method = String(headers[":path"]).split("/").at(-1) ?? "";
        (answers[method] ?? refuse(12, "unimplemented"))(
          stream,
          new Uint8Array(Buffer.concat(chunks).subarray(5)),
          headers,
        );
      });
    });
  }

  static async listen(
    answers: Readonly<Record<string, Answer>>,
    place: "socket" | "port" = "socket",
  ): Promise<FakeGrpcServer> {
    const server = new FakeGrpcServer(await mkdtemp(join(tmpdir(), "skerry-cri-")), answers);
    if (place === "socket") server.#server.listen(server.socketPath);
    else server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** The port, when it listens on one. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Answers with the message. */
export function answer(message: Uint8Array): Answer {
  return (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([header, message]));
  };
}

/** Refuses the call. */
export function refuse(code: number, message: string): Answer {
  return (stream) => {
    const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": String(code) };
    stream.respond({ ...headers, "grpc-message": encodeURIComponent(message) }, { endStream: true });
  };
}
