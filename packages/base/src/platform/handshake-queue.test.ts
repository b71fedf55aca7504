import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { HandshakeQueue } from "./handshake-queue.ts";

interface Port extends AsyncDisposable {
  readonly queue: HandshakeQueue;
  readonly refused: unknown[];
  isBusy: boolean;
  /** Connections whose handshake has begun. */
  readonly begun: Socket[];
  dial(from?: string): Socket;
}

/** A server that says a word where TLS would begin. */
async function port(): Promise<Port> {
  const begun: Socket[] = [];
  const dialled: Socket[] = [];
  const server: Server = createServer((socket) => {
    begun.push(socket);
    socket.on("error", () => undefined);
    socket.write("hello");
  });
  const refused: unknown[] = [];
  const queue = new HandshakeQueue(server, {
    isBusy: () => opened.isBusy,
    onRefused: (address) => refused.push(address),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const opened: Port = {
    queue,
    refused,
    isBusy: false,
    begun,
    dial(from = "127.0.0.1") {
      const { port: number } = server.address() as AddressInfo;
      const socket = connect({ port: number, host: "127.0.0.1", localAddress: from });
      socket.on("error", () => undefined);
      dialled.push(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...dialled, ...begun]) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return opened;
}

test("while the server is busy a handshake waits, and too long a wait ends in a closed connection", async () => {
  await using server = await port();
  server.isBusy = true;
  const closed = once(server.dial(), "close");
  await closed;
  assert.equal(server.begun.length, 0);
  assert.equal(server.refused.length, 1);
  const answered = once(server.dial(), "data");
  server.isBusy = false;
  assert.equal(String((await answered)[0]), "hello");
});

test("a client that resets its waiting connection is forgotten, and others are served", async () => {
  await using server = await port();
  server.isBusy = true;
  const reset = server.dial();
  await once(reset, "connect");
  const next = server.dial();
  await once(next, "connect");
  reset.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const answered = once(next, "data");
  server.isBusy = false;
  assert.equal(String((await answered)[0]), "hello");
  assert.equal(server.begun.length, 1);
});

test("more connections than may wait are closed at once", async () => {
  await using server = await port();
  server.isBusy = true;
  const sockets = Array.from({ length: 300 }, () => server.dial());
  const gone = Promise.all(sockets.slice(256).map((socket) => once(socket, "close")));
  const firstGone = once(sockets[0] ?? server.dial(), "close");
  assert.equal(
    await Promise.race([gone.then(() => "those beyond"), firstGone.then(() => "the first")]),
    "those beyond",
  );
  server.isBusy = false;
});

test("clients that connect and say nothing keep nobody else out", async () => {
  await using server = await port();
  await Promise.all(Array.from({ length: 40 }, () => once(server.dial(), "data")));
  assert.equal(server.begun.length, 40);
});

test("an address that dials without end takes neither the places nor the turns of another", async () => {
  await using server = await port();
  server.isBusy = true;
  const flood = Array.from({ length: 256 }, () => server.dial());
  await Promise.all(flood.map((socket) => once(socket, "connect")));
  const displaced = Promise.race(flood.map((socket) => once(socket, "close")));
  const other = server.dial("127.0.0.2");
  await once(other, "connect");
  await displaced;
  const answered = once(other, "data");
  server.isBusy = false;
  await answered;
  const position = server.begun.findIndex(({ remoteAddress }) => remoteAddress === "127.0.0.2");
  assert.ok(position === 0 || position === 1, `its turn comes after one of the other's at most, not ${position}`);
});

test("who has been served makes room at once, and who goes away while waiting is forgotten", async () => {
  await using server = await port();
  const first = Array.from({ length: 32 }, () => once(server.dial(), "data"));
  await Promise.all(first);
  const waiting = server.dial();
  await once(waiting, "connect");
  waiting.destroy();
  const next = once(server.dial(), "data");
  for (const socket of server.begun.slice(0, 2)) server.queue.served(socket);
  await next;
  assert.equal(server.refused.length, 0);
});
