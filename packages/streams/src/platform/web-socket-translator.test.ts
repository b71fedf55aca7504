import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { encodeSpdyData, SpdyFrameReader } from "../remotecommand/spdy-frame.ts";
import { type StreamTranslation, translationOf } from "../remotecommand/stream-translation.ts";
import { socketPair } from "./testing/socket-pair.ts";
import { translateWebSocket } from "./web-socket-translator.ts";

const EXEC = translationOf("/exec/shop/web/app", "input=1&output=1", "v5.channel.k8s.io");
const FORWARD = translationOf("/portForward/shop/web", "", "SPDY/3.1+portforward.k8s.io");
/** Streams of `EXEC`, in the order in which they are opened. */
const [ERROR, STDIN, STDOUT] = [1, 3, 5];

interface World extends AsyncDisposable {
  readonly client: WebSocket;
  /** The node's end of its connection. */
  readonly node: Socket;
}

/** A client that is joined with a node. */
async function connect(translation: StreamTranslation | undefined): Promise<World> {
  assert.ok(translation);
  const [node, joined] = await socketPair();
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("upgrade", (incoming, client, clientEarly: Buffer) =>
    translateWebSocket(translation, { incoming, client, clientEarly, node: joined, nodeEarly: Buffer.alloc(0) }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // A slash in a protocol's name is more than `ws` allows.
  const headers = { "Sec-WebSocket-Protocol": translation.protocol };
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers, skipUTF8Validation: true });
  client.on("error", () => client.terminate());
  client.once("upgrade", (response) => {
    assert.equal(response.headers["sec-websocket-protocol"], translation.protocol);
    delete response.headers["sec-websocket-protocol"];
  });
  await once(client, "open");
  return {
    client,
    node,
    async [Symbol.asyncDispose]() {
      client.terminate();
      node.destroy();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The bytes that the node gets on a stream, until that stream has ended. */
async function receivedOn(node: Socket, streamId: number): Promise<string> {
  const reader = new SpdyFrameReader();
  let text = "";
  for await (const chunk of node.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>)
    for (const event of reader.read(chunk)) {
      if (event.kind !== "data" || event.streamId !== streamId) continue;
      text += Buffer.from(event.bytes).toString();
      if (event.isLast) return text;
    }
  throw new Error("the connection ended before the stream");
}

test("a command's input, its end, its output and its status pass between WebSocket and SPDY", async () => {
  await using world = await connect(EXEC);
  const { client, node } = world;
  const messages: string[] = [];
  client.on("message", (data) => messages.push((data as Buffer).toString("latin1")));
  client.send(Buffer.from("\0hello "));
  client.send(Buffer.from("\0node"));
  client.send(Uint8Array.from([255, 0]));
  assert.equal(await receivedOn(node, STDIN ?? 0), "hello node");
  const closed = once(client, "close");
  node.write(encodeSpdyData(STDOUT ?? 0, Buffer.from("done"), true));
  node.write(encodeSpdyData(ERROR ?? 0, Buffer.from('{"status":"Success"}'), true));
  const [code] = await closed;
  assert.equal(code, 1000);
  assert.deepEqual(messages, ["\x01done", '\x03{"status":"Success"}']);
});

test("a node that breaks off or sends what is no SPDY ends the client's connection with an error", async () => {
  for (const last of ["", "HTTP/1.1 500 what is this\r\n\r\n".padStart(40, "\xff")]) {
    await using world = await connect(EXEC);
    const closed = once(world.client, "close");
    world.node.end(Buffer.from(last, "latin1"));
    const [code] = await closed;
    assert.equal(code, 1011);
  }
});

test("a client's message of more than a megabyte ends its connection and the node's", async () => {
  await using world = await connect(EXEC);
  const nodeClosed = once(world.node, "close");
  world.node.resume();
  const closed = once(world.client, "close");
  world.client.send(Buffer.alloc(1024 * 1024 + 1));
  const [code] = await closed;
  assert.equal(code, 1009);
  await nodeClosed;
});

test("a client that reads nothing holds the node up at a bound, and gets all when it reads on", async () => {
  await using world = await connect(FORWARD);
  const { client, node } = world;
  client.pause();
  const chunk = Buffer.alloc(64 * 1024);
  const total = 1_024;
  let writtenCount = 0;
  let isHeld = false;
  const writing = (async () => {
    for (; writtenCount < total; writtenCount++) {
      if (node.write(chunk)) continue;
      isHeld = true;
      await once(node, "drain");
      isHeld = false;
    }
    node.end();
  })();
  // Held up for good, not only while the other side is about to read: nothing moves over many turns.
  for (let before = -1, still = 0; still < 50 && writtenCount < total; before = writtenCount) {
    await new Promise((resolve) => setImmediate(resolve));
    still = isHeld && before === writtenCount ? still + 1 : 0;
  }
  assert.ok(writtenCount < total, "all was taken for a client that reads nothing");
  let receivedBytes = 0;
  client.on("message", (data) => {
    receivedBytes += (data as Buffer).length;
  });
  const closed = once(client, "close");
  client.resume();
  await writing;
  const [code] = await closed;
  assert.equal(code, 1000);
  assert.equal(receivedBytes, total * chunk.length);
});

test("a client that goes away takes the node's connection with it", async () => {
  await using world = await connect(FORWARD);
  const ended = once(world.node, "close");
  world.node.resume();
  world.client.terminate();
  await ended;
});
