import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { RemoteCommandBridge } from "../remotecommand/remote-command-bridge.ts";
import type { StreamTranslation } from "../remotecommand/stream-translation.ts";

/** A message of a client: kubectl's have 32 KiB at most. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** While more waits for a slow client, the node is not read from. */
const HIGH_WATER_BYTES = 256 * 1024;
/** How long a client may take to answer a close before its connection is torn down. */
const CLOSE_GRACE_MS = 5_000;
/** Close codes (RFC 6455 section 7.4.1). */
const NORMAL_CLOSURE = 1000;
const INTERNAL_ERROR = 1011;

/** The two connections that are joined, each with what was read of it before. */
export interface TranslatedConnections {
  /** The client's request for an upgrade, not answered yet. */
  readonly incoming: IncomingMessage;
  readonly client: Duplex;
  readonly clientEarly: Buffer;
  /** The node's connection, which speaks SPDY/3.1. */
  readonly node: Duplex;
  readonly nodeEarly: Buffer;
}

/** Answers a client's upgrade to WebSocket and joins it with the node's SPDY/3.1 until either ends. */
export function translateWebSocket(translation: StreamTranslation, connections: TranslatedConnections): void {
  const { incoming, client, clientEarly, node } = connections;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  // `ws` refuses port-forward's protocol, whose name has a slash, though every Kubernetes client sends it.
  delete incoming.headers["sec-websocket-protocol"];
  server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${translation.protocol}`));
  node.on("error", () => node.destroy());
  client.once("close", () => node.destroy()); // Also when `ws` refuses the upgrade.
  server.handleUpgrade(incoming, client, clientEarly, (socket) => {
    join(translation, socket, connections).catch(() => {
      node.destroy();
      end(socket, INTERNAL_ERROR, "what the node sent cannot be read");
    });
  });
}

async function join(
  { remoteCommand }: StreamTranslation,
  socket: WebSocket,
  { node, nodeEarly }: TranslatedConnections,
): Promise<void> {
  let sent: Promise<void> = Promise.resolve();
  let hasEnded = false;
  const toClient = (message: Uint8Array): void => {
    sent = new Promise((resolve) => socket.send(message, { binary: true }, () => resolve()));
  };
  const toNode = (bytes: Uint8Array): void => {
    if (node.destroyed || node.write(bytes)) return;
    socket.pause();
    node.once("drain", () => socket.resume());
  };
  const bridge = remoteCommand
    ? new RemoteCommandBridge(remoteCommand, {
        sendToRuntime: toNode,
        sendToClient: toClient,
        end: () => {
          hasEnded = true;
        },
      })
    : { fromClient: toNode, fromRuntime: toClient };
  socket.on("error", () => undefined); // `ws` closes the connection itself, with a code that says why.
  socket.on("close", () => node.destroy());
  socket.on("message", (data) => bridge.fromClient(data as Buffer)); // `binaryType` is "nodebuffer".
  if (nodeEarly.length > 0) bridge.fromRuntime(nodeEarly);
  if (!hasEnded)
    for await (const bytes of node as AsyncIterable<Uint8Array>) {
      bridge.fromRuntime(bytes);
      if (hasEnded) break;
      if (socket.bufferedAmount > HIGH_WATER_BYTES) await sent;
    }
  if (hasEnded || !remoteCommand) end(socket, NORMAL_CLOSURE, "");
  else end(socket, INTERNAL_ERROR, "the stream from the node broke off");
}

function end(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.resume();
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
  socket.once("close", () => clearTimeout(timer));
}
