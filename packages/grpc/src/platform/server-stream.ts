import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { GrpcCode } from "../grpc-code.ts";
import type { CallStatus, ServerStreamCall } from "../transport.ts";
import { CALL_HEADERS, callStatus } from "./call-status.ts";
import { FrameReader, frame } from "./framing.ts";

const MEBIBYTE = 1024 * 1024;

/** {@link ServerStreaming} on a unix socket, over a connection of its own. */
export function unixServerStream(call: ServerStreamCall): Promise<void> {
  const { socketPath, method, errors, signal, maximumMessageBytes = 4 * MEBIBYTE } = call;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const session = connectHttp2("http://localhost", { createConnection: () => connect(socketPath) });
    session.unref();
    const stream = session.request({ ...CALL_HEADERS, [constants.HTTP2_HEADER_PATH]: method });
    const reader = new FrameReader(maximumMessageBytes);
    let status: CallStatus | undefined;
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      session.destroy();
    };
    const onAbort = (): void => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const readStatus = (headers: Readonly<Record<string, unknown>>): void => {
      status ??= callStatus(headers);
    };
    session.on("error", (error) => fail(errors.unavailable(socketPath, error)));
    stream.on("error", (error) => fail(errors.unavailable(socketPath, error)));
    stream.on("response", readStatus);
    stream.on("trailers", readStatus);
    stream.on("data", (chunk: Buffer) => {
      if (failure !== undefined) return;
      const messages = reader.push(chunk);
      if (!messages) {
        const what = `a message is compressed or larger than ${maximumMessageBytes} bytes`;
        return fail(errors.failed(method, GrpcCode.internal, what));
      }
      try {
        for (const message of messages) call.onMessage(message);
      } catch (error) {
        fail(error);
      }
    });
    stream.on("close", () => {
      signal.removeEventListener("abort", onAbort);
      session.destroy();
      if (failure !== undefined) reject(failure);
      else if (!status) reject(errors.unavailable(socketPath, new Error("the connection ended")));
      else if (status.code === GrpcCode.ok) resolve();
      else reject(errors.failed(method, status.code, status.message));
    });
    stream.end(frame(call.request));
  });
}
