import type { Duplex } from "node:stream";
import type { ByteStream } from "../tunnel-stream.ts";

/** How long a peer may leave its side open after everything was sent. */
const LINGER_MS = 5_000;

/**
 * Carries bytes between a stream and a socket, with back-pressure both ways, until either ends; ends the other then.
 * @param early what was read from the socket before
 */
export async function joinSocket(stream: ByteStream, socket: Duplex, early: Uint8Array): Promise<void> {
  socket.on("error", () => socket.destroy());
  const upwards = async (): Promise<void> => {
    if (early.length > 0) await stream.write(early);
    for await (const chunk of socket as AsyncIterable<Uint8Array>) await stream.write(chunk);
  };
  const downwards = async (): Promise<void> => {
    for (let chunk = await stream.read(); chunk; chunk = await stream.read()) await writeSocket(socket, chunk);
  };
  const up = upwards()
    .catch(() => undefined)
    .then(() => stream.close());
  await downwards().catch(() => undefined);
  stream.close();
  if (!socket.destroyed) socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  await up;
  clearTimeout(timer);
  socket.destroy();
}

/** Writes to a socket; resolves when there is room for more, or when it has closed. */
export function writeSocket(socket: Duplex, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const onDone = (): void => {
      socket.off("drain", onDone);
      socket.off("close", onDone);
      resolve();
    };
    socket.on("drain", onDone);
    socket.on("close", onDone);
  });
}
