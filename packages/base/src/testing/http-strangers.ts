import { connect, type Socket } from "node:net";

const BLOCK = Buffer.alloc(16 * 1024, "a");

/** What a stranger sends to an HTTP port, and then goes on sending `BLOCK`, until it is cut off. */
const ENDLESS: Readonly<Record<string, string>> = {
  "no HTTP": "\u0001\u0002 no http\r\n\r\n",
  "a first line": "GET /",
  "a header": "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ",
  "a body": "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9000000000\r\n\r\n",
  "a body in chunks": "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nfffffff\r\n",
  "the size of a chunk": "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n",
};

/** Each kind of endless input, by what is endless. */
export const endlessInputs: readonly string[] = Object.keys(ENDLESS);

/**
 * Sends one kind of {@link endlessInputs} without end to a plain HTTP port of this machine, as fast as it is read, and resolves
 * with the bytes sent when the port has closed the connection.
 */
export async function sendEndlessly(port: number, kind: string): Promise<number> {
  const beginning = ENDLESS[kind];
  if (beginning === undefined) throw new RangeError(`there is no endless input "${kind}"`);
  const socket = connect(port, "127.0.0.1");
  const closed = closeOf(socket);
  socket.write(beginning);
  const send = (): void => {
    while (!socket.destroyed && socket.write(BLOCK));
  };
  socket.on("drain", send);
  send();
  await closed;
  return socket.bytesWritten;
}

function closeOf(socket: Socket): Promise<void> {
  socket.on("error", () => undefined); // The port may close while something is on its way.
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
