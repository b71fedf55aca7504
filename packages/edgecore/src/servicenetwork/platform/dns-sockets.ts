import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { DnsHandler, DnsListener, DnsNetwork } from "../dns-ports.ts";

const MOST_CONNECTIONS = 64;
/** So one pod cannot take them all. */
const MOST_CONNECTIONS_AN_ADDRESS = 8;
/** A message must be there as a whole so long after the connection began, or after the answer before it. */
const MESSAGE_MS = 10_000;
/** Who leaves more than that of its answers unread is cut off; the longest answer has half of it. */
const MOST_UNREAD_BYTES = 128 * 1024;
const DNS_PORT = 53;
/** Over a connection each message has its length before it, so none is longer than 65,535 bytes. */
const LENGTH_BYTES = 2;
/** A port that is free for datagrams may be taken for connections. */
const TRIES = 5;

/** {@link DnsNetwork} over the machine's sockets. */
export const dnsSockets: DnsNetwork = {
  async listen(address, handler) {
    for (let tries = 1; ; tries++) {
      const datagrams = createSocket({ type: address.includes(":") ? "udp6" : "udp4" });
      try {
        return await listenOnBoth(datagrams, address, handler);
      } catch (error) {
        datagrams.close();
        if (tries === TRIES || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      }
    }
  },
  ask: (server, message, transport, timeoutMs) =>
    transport === "udp" ? askByDatagram(server, message, timeoutMs) : askByConnection(server, message, timeoutMs),
};

async function listenOnBoth(datagrams: DatagramSocket, address: string, handler: DnsHandler): Promise<DnsListener> {
  datagrams.bind({ address, port: 0, exclusive: true });
  await once(datagrams, "listening");
  const { port } = datagrams.address();
  const connections = new Map<Socket, string>();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    const from = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const others = [...connections.values()].filter((each) => each === from).length;
    if (!handler.serves(from) || others >= MOST_CONNECTIONS_AN_ADDRESS) {
      socket.destroy();
      return;
    }
    connections.set(socket, from);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, from, handler);
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen({ host: address, port, exclusive: true });
  await once(server, "listening");
  // What fails for one asker is no reason to stop for the others.
  datagrams.on("error", () => undefined);
  server.on("error", () => undefined);
  datagrams.on("message", (message, { address: from, port: fromPort }) => {
    void handler.answer(message, from, "udp").then((answer) => {
      if (answer && !isClosed) datagrams.send(answer, fromPort, from, () => undefined);
    });
  });
  let isClosed = false;
  return {
    port,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      datagrams.close();
      const closed = once(server, "close");
      server.close();
      for (const socket of connections.keys()) socket.destroy();
      await closed;
    },
  };
}

/** One request after the other, each with its length before it. */
function serveConnection(socket: Socket, from: string, handler: DnsHandler): void {
  const waitForMessage = (): NodeJS.Timeout => setTimeout(() => socket.destroy(), MESSAGE_MS);
  let deadline = waitForMessage();
  socket.once("close", () => clearTimeout(deadline));
  void readMessages(socket, async (message) => {
    clearTimeout(deadline);
    const answer = await handler.answer(message, from, "tcp");
    if (!answer || socket.destroyed) return false;
    deadline = waitForMessage();
    socket.write(withLength(answer));
    return socket.writableLength <= MOST_UNREAD_BYTES;
  }).catch(() => socket.destroy());
}

/** Calls back for each message, one at a time, until that answers false; ends the connection then. */
async function readMessages(socket: Socket, onMessage: (message: Uint8Array) => Promise<boolean>): Promise<void> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of socket) {
    waiting = Buffer.concat([waiting, chunk as Buffer]);
    for (;;) {
      const end = LENGTH_BYTES + (waiting.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : waiting.readUInt16BE(0));
      if (waiting.length < end) break;
      const message = waiting.subarray(LENGTH_BYTES, end);
      waiting = waiting.subarray(end);
      if (!(await onMessage(message))) {
        socket.destroy();
        return;
      }
    }
  }
  socket.end();
}

/** From a port of its own, and only what the server itself sends is taken. */
async function askByDatagram(server: string, message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  const socket = createSocket({ type: server.includes(":") ? "udp6" : "udp4" });
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    socket.connect(DNS_PORT, server);
    await once(socket, "connect", { signal });
    const answered = once(socket, "message", { signal });
    socket.send(message);
    const [answer] = (await answered) as [Buffer];
    return answer;
  } finally {
    socket.on("error", () => undefined);
    socket.close();
  }
}

async function askByConnection(server: string, message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  const socket = connect(DNS_PORT, server);
  socket.on("error", () => undefined);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  try {
    socket.write(withLength(message));
    let answer: Uint8Array | undefined;
    await readMessages(socket, async (received) => {
      answer = received;
      return false;
    });
    if (!answer) throw new Error(`The name server ${server} closed the connection without an answer`);
    return answer;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function withLength(message: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(LENGTH_BYTES + message.length);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, LENGTH_BYTES);
  return framed;
}
