import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { dnsSockets } from "./dns-sockets.ts";
import { hostAddresses } from "./host-addresses.ts";

const LOOPBACK = "127.0.0.1";
const reversed = async (message: Uint8Array): Promise<Uint8Array> => message.toReversed();

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
  assert.equal(hostAddresses.besides("127.64.0.1"), LOOPBACK);
  assert.equal(hostAddresses.besides("240.0.0.77"), undefined);
});
