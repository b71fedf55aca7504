import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "@skerry/base";
import { LinkRelay } from "./link-relay.ts";

/** A server that sends back what it gets, with its connections. */
async function echoServer(context: TestContext): Promise<{ server: Server; port: number; connections: Socket[] }> {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  context.after(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { server, port: address.port, connections };
}

async function relayTo(context: TestContext, port: number): Promise<{ relay: LinkRelay; port: number }> {
  const relay = new LinkRelay(
    { listenAddress: "127.0.0.1", listenPort: 0, targetAddress: "127.0.0.1", targetPort: port },
    silentLogger,
  );
  context.after(() => relay[Symbol.asyncDispose]());
  return { relay, port: await relay.start() };
}

/** Collects what a socket receives and how it ends. */
function watch(socket: Socket): { text: string; ended: boolean; broken: boolean } {
  const seen = { text: "", ended: false, broken: false };
  socket.on("data", (chunk) => {
    seen.text += String(chunk);
  });
  socket.on("end", () => {
    seen.ended = true;
  });
  socket.on("error", () => {
    seen.broken = true;
  });
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

test("the relay leads bytes both ways and the end of a connection", { timeout: 30_000 }, async (context) => {
  const echo = await echoServer(context);
  const { relay, port } = await relayTo(context, echo.port);
  const edge = connect(port, "127.0.0.1");
  const seen = watch(edge);
  edge.write("hello");
  await until(() => seen.text === "hello");
  assert.equal(relay.status.bytesUp, 5);
  assert.equal(relay.status.bytesDown, 5);
  edge.end();
  await until(() => seen.ended);
});

test("a cut link holds bytes without closing anything, and lets them go on when it is restored", {
  timeout: 30_000,
}, async (context) => {
  const echo = await echoServer(context);
  const { relay, port } = await relayTo(context, echo.port);
  const edge = connect(port, "127.0.0.1");
  const seen = watch(edge);
  edge.write("before ");
  await until(() => seen.text === "before ");
  relay.cut();
  edge.write("during ");
  const cloudSide = echo.connections[0];
  assert.ok(cloudSide);
  cloudSide.write("cloud ");
  const fence = connect(port, "127.0.0.1"); // Its connect proves that the event loop and the kernel had time to pass bytes.
  await once(fence, "connect");
  await delay(50);
  assert.equal(seen.text, "before ");
  assert.deepEqual([seen.ended, seen.broken], [false, false]);
  relay.restore();
  await until(() => seen.text.includes("during ") && seen.text.includes("cloud "));
  edge.destroy();
  fence.destroy();
});

test("a connection made while the link is cut gets no answer until it is restored", {
  timeout: 30_000,
}, async (context) => {
  const echo = await echoServer(context);
  const { relay, port } = await relayTo(context, echo.port);
  relay.cut();
  const edge = connect(port, "127.0.0.1");
  const seen = watch(edge);
  await once(edge, "connect");
  edge.write("anyone?");
  await delay(50);
  assert.equal(echo.connections.length, 0);
  assert.equal(seen.text, "");
  relay.restore();
  await until(() => seen.text === "anyone?");
  edge.destroy();
});

test("an end that was sent while the link was cut arrives after the restore", { timeout: 30_000 }, async (context) => {
  const echo = await echoServer(context);
  const { relay, port } = await relayTo(context, echo.port);
  const edge = connect(port, "127.0.0.1");
  const seen = watch(edge);
  edge.write("x");
  await until(() => seen.text === "x");
  relay.cut();
  const cloudSide = echo.connections[0];
  assert.ok(cloudSide);
  const cloudSeen = watch(cloudSide);
  edge.end("last words");
  await delay(50);
  assert.equal(cloudSeen.ended, false);
  relay.restore();
  await until(() => cloudSeen.ended && cloudSeen.text === "last words");
});

test("a connection to a cloud that is not there is broken off, not left hanging", {
  timeout: 30_000,
}, async (context) => {
  const echo = await echoServer(context);
  const deadPort = echo.port;
  echo.server.close();
  await once(echo.server, "close");
  const { relay, port } = await relayTo(context, deadPort);
  const edge = connect(port, "127.0.0.1");
  edge.on("error", () => {});
  await new Promise<void>((resolve) => edge.once("close", () => resolve()));
  await until(() => relay.status.connections === 0);
});
