import { describeError } from "@skerry/base";
import type { SpdyStream } from "@skerry/streams/platform";
import type { StreamSession } from "./stream-session.ts";

/** A connection to a port of a pod. Its end is told by `ended`, with the reason where it was no good. */
export interface PortConnection {
  readonly input: NodeJS.WritableStream;
  readonly output: NodeJS.ReadableStream;
  readonly ended: Promise<string | undefined>;
  destroy(): void;
}

const LARGEST_PORT = 65_535;

/**
 * port-forward for one client: for each connection it opens a stream for bytes and one for what went wrong, both with the
 * port and a number of their own.
 */
export function portForwardSession(connect: (port: number) => PortConnection): StreamSession {
  const waiting = new Map<string, SpdyStream>();
  const connections = new Set<PortConnection>();
  const lead = async (data: SpdyStream, error: SpdyStream): Promise<void> => {
    const port = Number(data.headers.get("port"));
    if (!Number.isInteger(port) || port < 1 || port > LARGEST_PORT) {
      error.end(`${data.headers.get("port") ?? "nothing"} is no port`);
      data.end();
      return;
    }
    const connection = connect(port);
    connections.add(connection);
    data.pipe(connection.input);
    connection.output.pipe(data);
    data.once("close", () => connection.destroy());
    const failure = await connection.ended;
    connections.delete(connection);
    error.end(failure);
    if (!data.writableEnded) data.end();
    data.resume(); // What still comes must not hold up the others.
  };
  return {
    onStream(stream) {
      const number = stream.headers.get("requestid") ?? "";
      const isError = stream.headers.get("streamtype") === "error";
      if (isError) stream.resume(); // The client ends its side of it; nothing else comes.
      const other = waiting.get(number);
      if (!other) {
        waiting.set(number, stream);
        stream.once("close", () => waiting.delete(number));
        return;
      }
      waiting.delete(number);
      const [data, error] = isError ? [other, stream] : [stream, other];
      lead(data, error).catch((failure: unknown) => {
        error.end(describeError(failure));
        data.end();
        data.resume();
      });
    },
    ended: new Promise(() => undefined), // The client ends it.
    abandon() {
      for (const connection of connections) connection.destroy();
    },
  };
}
