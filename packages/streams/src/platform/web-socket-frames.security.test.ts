import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { FRAME_SOCKET_OPTIONS, WebSocketFrames } from "./web-socket-frames.ts";

const MEBIBYTE = 1024 * 1024;

interface Pair extends AsyncDisposable {
  readonly peer: WebSocket;
  readonly frames: WebSocketFrames;
}

/** A tunnel's connection as the cloud has it, and its other end in the test's hands. */
async function pair(): Promise<Pair> {
  const server = createServer();
  const upgrader = new WebSocketServer({ server, ...FRAME_SOCKET_OPTIONS });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[socket]] = (await Promise.all([once(upgrader, "connection"), once(peer, "open")])) as [[WebSocket], unknown];
  return {
    peer,
    frames: new WebSocketFrames(socket, true),
    async [Symbol.asyncDispose]() {
      peer.terminate();
      socket.terminate();
      upgrader.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a node that pings its tunnel without end and never reads costs bounded memory", async () => {
  await using both = await pair();
  const { peer, frames } = both;
  let seen = 0;
  let largest = 0;
  const pings = 300_000;
  const all = Promise.withResolvers<void>();
  frames.start({
    onFrame: () => undefined,
    onAlive: () => {
      largest = Math.max(largest, frames.bufferedBytes);
      if (++seen === pings) all.resolve();
    },
    onDrain: () => undefined,
    onClose: (reason) => all.reject(new Error(reason)),
  });
  peer.pause();
  const payload = Buffer.alloc(125, 0x61);
  for (let sent = 0; sent < pings; sent++) {
    peer.ping(payload);
    if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await all.promise;
  assert.ok(largest <= 9 * MEBIBYTE, `${largest} bytes waited for a node that does not read`);
});

test("a ping of a node that reads is answered once, also after many frames", async () => {
  await using both = await pair();
  both.frames.start({
    onFrame: () => undefined,
    onAlive: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  const answered: string[] = [];
  const all = Promise.withResolvers<void>();
  both.peer.on("pong", (data) => {
    answered.push(String(data));
    if (answered.at(-1) === "second") all.resolve();
  });
  for (let count = 0; count < 100; count++) both.peer.send(Buffer.alloc(1_000));
  both.peer.ping(Buffer.from("first"));
  both.peer.ping(Buffer.from("second"));
  await all.promise;
  assert.deepEqual(answered, ["first", "second"]);
});
