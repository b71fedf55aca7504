import { chmod, unlink } from "node:fs/promises";
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { socketFailed, socketInUse } from "../errors.ts";
import { GrpcCode } from "../grpc-code.ts";
import type { CallStatus, UnaryServerOptions } from "../transport.ts";
import { encodeStatusMessage, frame, unframe } from "./framing.ts";
import { socketState } from "./socket-state.ts";

const MAXIMUM_PATH_BYTES = 107;
const MAXIMUM_MESSAGE_CHARACTERS = 1024;
const MEBIBYTE = 1024 * 1024;

/**
 * Serves unary methods on a unix socket that only this process's user may open. Own code instead of `@grpc/grpc-js` for
 * the same reason as the client's: memory.
 * @throws `GRPC_SOCKET_IN_USE`, `GRPC_SOCKET_FAILED`
 */
export async function serveUnixGrpc(options: UnaryServerOptions): Promise<AsyncDisposable> {
  const { socketPath, maximumConnections = 64, maximumConcurrentCalls = 128 } = options;
  if (Buffer.byteLength(socketPath) > MAXIMUM_PATH_BYTES)
    throw socketFailed(socketPath, new Error(`its path has more than ${MAXIMUM_PATH_BYTES} bytes`));
  await removeDeadSocket(socketPath);
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { maxConcurrentStreams: maximumConcurrentCalls } });
  server.on("session", (session) => {
    if (sessions.size >= maximumConnections) {
      session.destroy();
      return;
    }
    sessions.add(session);
    session.on("error", () => session.destroy());
    session.on("close", () => sessions.delete(session));
  });
  const pending: PendingRequests = { bytes: 0 };
  server.on("stream", (stream, headers) =>
    receive(stream, String(headers[constants.HTTP2_HEADER_PATH]), options, pending),
  );
  await listen(server, socketPath);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve())); // Removes the socket too.
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** A socket left behind by a crash stands in the way of listening; one that is served does not belong to us. */
async function removeDeadSocket(socketPath: string): Promise<void> {
  const state = await socketState(socketPath);
  if (state === "served") throw socketInUse(socketPath);
  if (state === "dead")
    await unlink(socketPath).catch((error: unknown) => {
      throw socketFailed(socketPath, error);
    });
}

async function listen(server: Http2Server, socketPath: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socketPath, resolve);
    });
    await chmod(socketPath, 0o600);
  } catch (error) {
    server.close();
    throw socketFailed(socketPath, error);
  }
}

/** What all requests together hold that are not complete. */
interface PendingRequests {
  bytes: number;
}

function receive(stream: ServerHttp2Stream, path: string, options: UnaryServerOptions, pending: PendingRequests): void {
  const {
    maximumRequestBytes = 4 * MEBIBYTE,
    maximumPendingBytes = 32 * MEBIBYTE,
    requestTimeoutMs = 30_000,
  } = options;
  let chunks: Buffer[] = [];
  let receivedBytes = 0;
  let refused = false;
  /** Hands out what was received; nothing is kept any longer. */
  const take = (): Buffer[] => {
    pending.bytes -= chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const taken = chunks;
    chunks = [];
    return taken;
  };
  const refuse = (code: number, message: string): void => {
    refused = true;
    take();
    end(stream, { code, message });
  };
  const timer = setTimeout(
    () => refuse(GrpcCode.deadlineExceeded, `the request was not complete after ${requestTimeoutMs} ms`),
    requestTimeoutMs,
  );
  stream.on("error", () => undefined); // The client went away; its call has ended with it.
  stream.on("close", () => {
    clearTimeout(timer);
    take();
  });
  stream.on("data", (chunk: Buffer) => {
    if (refused) return;
    receivedBytes += chunk.length;
    if (receivedBytes > maximumRequestBytes)
      return refuse(GrpcCode.resourceExhausted, `the request is larger than ${maximumRequestBytes} bytes`);
    if (pending.bytes + chunk.length > maximumPendingBytes)
      return refuse(GrpcCode.resourceExhausted, `all requests together are larger than ${maximumPendingBytes} bytes`);
    chunks.push(chunk);
    pending.bytes += chunk.length;
  });
  stream.on("end", () => {
    clearTimeout(timer);
    if (!refused) void answer(stream, path, Buffer.concat(take()), options);
  });
}

/** Never rejects. */
async function answer(
  stream: ServerHttp2Stream,
  path: string,
  body: Buffer,
  options: UnaryServerOptions,
): Promise<void> {
  const method = options.methods.get(path);
  if (!method) return end(stream, { code: GrpcCode.unimplemented, message: `there is no method ${path}` });
  const request = unframe(body);
  if (!request)
    return end(stream, { code: GrpcCode.unimplemented, message: "the request is not one uncompressed gRPC message" });
  try {
    end(stream, { code: GrpcCode.ok, message: "" }, await method(request));
  } catch (error) {
    end(stream, options.statusOf(error));
  }
}

function end(stream: ServerHttp2Stream, status: CallStatus, message?: Uint8Array): void {
  if (stream.destroyed || stream.headersSent) return;
  const trailers = {
    "grpc-status": String(status.code),
    ...(status.message === ""
      ? {}
      : { "grpc-message": encodeStatusMessage(status.message.slice(0, MAXIMUM_MESSAGE_CHARACTERS)) }),
  };
  const headers = { [constants.HTTP2_HEADER_STATUS]: 200, "content-type": "application/grpc" };
  if (message === undefined) {
    stream.respond({ ...headers, ...trailers }, { endStream: true });
    stream.resume(); // What is still coming is not kept.
    return;
  }
  stream.respond(headers, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(frame(message));
}
