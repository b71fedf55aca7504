import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { WebSocket, WebSocketServer } from "ws";
import { type UpgradeFacts, WebSocketConnection } from "./web-socket-connection.ts";

const MEBIBYTE = 1024 * 1024;

interface Pair extends AsyncDisposable {
  readonly peer: WebSocket;
  readonly connection: WebSocketConnection;
}

/** A connection as the cloud has it, and its other end in the test's hands. */
async function pair(compression?: UpgradeFacts["compression"]): Promise<Pair> {
  const server = createServer();
  const upgrader = new WebSocketServer({ server, autoPong: false, perMessageDeflate: false });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[socket]] = (await Promise.all([once(upgrader, "connection"), once(peer, "open")])) as [[WebSocket], unknown];
  return {
    peer,
    connection: new WebSocketConnection(
      socket,
      { name: "edge-1", groups: [], certificateFingerprint: "" },
      { path: "", headers: {}, receives: "up", ...(compression ? { compression } : {}) },
    ),
    async [Symbol.asyncDispose]() {
      peer.terminate();
      socket.terminate();
      upgrader.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a peer that pings without end and never reads costs bounded memory", async () => {
  await using both = await pair();
  const { peer, connection } = both;
  let seen = 0;
  let largest = 0;
  const pings = 300_000;
  const all = Promise.withResolvers<void>();
  connection.start({
    onFrame: () => undefined,
    onAlive: () => {
      largest = Math.max(largest, connection.bufferedBytes);
      if (++seen === pings) all.resolve();
    },
    onClose: ({ reason }) => all.reject(new Error(reason)),
  });
  peer.pause();
  const payload = Buffer.alloc(125, 0x61);
  for (let sent = 0; sent < pings; sent++) {
    peer.ping(payload);
    if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await all.promise;
  assert.ok(largest <= 9 * MEBIBYTE, `${largest} bytes waited for a peer that does not read`);
});

test("pings of a peer that reads are answered", async () => {
  await using both = await pair();
  both.connection.start({ onFrame: () => undefined, onClose: () => undefined });
  const pong = once(both.peer, "pong");
  both.peer.ping(Buffer.from("still there?"));
  const [data] = await pong;
  assert.equal(String(data), "still there?");
});

test("a peer whose compressed message expands to too much, or to nothing, is cut off and nothing of it is read", async () => {
  for (const [payload, code] of [
    [deflateRawSync(Buffer.alloc(8 * MEBIBYTE)), 1009],
    [Buffer.from("no deflate"), 1007],
  ] as const) {
    await using both = await pair({ maxMessageBytes: 4 * MEBIBYTE });
    const closed = Promise.withResolvers<number>();
    both.connection.start({
      onFrame: () => closed.reject(new Error("it was read")),
      onClose: (how) => closed.resolve(how.code),
    });
    both.peer.send(payload);
    assert.equal(await closed.promise, code);
  }
});
