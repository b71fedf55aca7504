import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { DnsHandler } from "../dns-ports.ts";
import { dnsSockets } from "./dns-sockets.ts";
import { hostAddresses } from "./host-addresses.ts";

const LOOPBACK = "127.0.0.1";
const reversed: DnsHandler = { serves: () => true, answer: async (message) => message.toReversed() };

/** Settles when the connection is over, in order or reset. */
function closed(connection: Socket): Promise<void> {
  return new Promise((resolve) => connection.on("error", () => undefined).once("close", () => resolve()));
}

/** A connection that was served once, so the listener has taken it; undefined when the listener closed it. */
async function servedConnection(port: number): Promise<Socket | undefined> {
  const connection = connect(port, LOOPBACK);
  const refused = closed(connection).then(() => undefined);
  const served = new Promise<Socket>((resolve) => connection.once("data", () => resolve(connection.resume())));
  connection.write(Uint8Array.of(0, 1, 7));
  return Promise.race([served, refused]);
}

test("questions are answered over datagrams and, several in a row, over connections, at one port", async () => {
  await using listener = await dnsSockets.listen(LOOPBACK, reversed);
  const socket = createSocket("udp4");
  socket.send(Uint8Array.of(1, 2, 3), listener.port, LOOPBACK);
  const [answer] = await once(socket, "message");
  assert.deepEqual([...answer], [3, 2, 1]);
  socket.close();

  const connection = connect(listener.port, LOOPBACK);
  // The second message comes in two parts.
  connection.write(Uint8Array.of(0, 2, 8, 9, 0, 3, 4));
  const received: number[] = [];
  connection.on("data", (chunk: Buffer) => received.push(...chunk));
  setImmediate(() => connection.write(Uint8Array.of(5, 6)));
  while (received.length < 9) await once(connection, "data");
  assert.deepEqual(received, [0, 2, 9, 8, 0, 3, 6, 5, 4]);
  connection.destroy();
});

test("a connection of somebody who is not served is closed at once", async () => {
  await using listener = await dnsSockets.listen(LOOPBACK, { ...reversed, serves: () => false });
  await closed(connect(listener.port, LOOPBACK).resume());
});

test("one address has eight connections at most, and can have another one when one ends", async () => {
  await using listener = await dnsSockets.listen(LOOPBACK, reversed);
  const connections = await Promise.all(Array.from({ length: 8 }, () => servedConnection(listener.port)));
  assert.ok(connections.every((connection) => connection !== undefined));
  assert.equal(await servedConnection(listener.port), undefined);
  connections[0]?.destroy();
  let another: Socket | undefined;
  while (!another) another = await servedConnection(listener.port);
  for (const connection of [...connections, another]) connection?.destroy();
});

test("a message that comes in too slowly ends the connection, however often a byte comes", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  await using listener = await dnsSockets.listen(LOOPBACK, reversed);
  const connection = await servedConnection(listener.port);
  assert.ok(connection);
  const over = closed(connection);
  connection.write(Uint8Array.of(0));
  context.mock.timers.tick(9_999);
  assert.ok(!connection.destroyed);
  connection.write(Uint8Array.of(2));
  context.mock.timers.tick(1);
  await over;
});

test("who asks on and on and reads no answer is cut off", async () => {
  const questions = 2_000;
  let answered = 0;
  const long: DnsHandler = {
    serves: () => true,
    answer: async () => {
      answered++;
      return new Uint8Array(60_000);
    },
  };
  await using listener = await dnsSockets.listen(LOOPBACK, long);
  const connection = connect(listener.port, LOOPBACK).pause();
  const over = closed(connection);
  for (let count = 0; count < questions; count++) connection.write(Uint8Array.of(0, 1, 7));
  let before: number;
  do {
    before = answered;
    await new Promise((resolve) => setTimeout(resolve, 300));
  } while (answered > before);
  assert.ok(answered < questions / 2, `${answered} answers of 60 kB, none of them read`);
  connection.resume();
  await over;
});

test("a listener that ends lets nobody wait", async () => {
  const listener = await dnsSockets.listen(LOOPBACK, reversed);
  const connection = connect(listener.port, LOOPBACK);
  await once(connection, "connect");
  const closed = once(connection, "close");
  await listener[Symbol.asyncDispose]();
  await closed;
});

test("a server that is not there fails, by either way, and so does a place that is not this machine's", async () => {
  // Nothing listens at the name servers' port of this loopback address.
  for (const transport of ["udp", "tcp"] as const)
    await assert.rejects(dnsSockets.ask("127.99.99.99", Uint8Array.of(1), transport, 2_000), transport);
  await assert.rejects(dnsSockets.listen("240.0.0.1", reversed));
});

test("the machine's address in a pod's network is found, and only there", () => {
  assert.deepEqual(hostAddresses.besides("127.64.0.1"), { address: LOOPBACK, prefixLength: 8 });
  assert.equal(hostAddresses.besides("240.0.0.77"), undefined);
});
