import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { FilteredConnection, type PacketTaker } from "./filtered-connection.ts";

/** Both ends of a connection. */
async function connected(
  take: PacketTaker,
): Promise<{ readonly connection: FilteredConnection; readonly broker: Socket } & Disposable> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const connection = new FilteredConnection(socket, take);
  const [broker] = (await arrived) as [Socket];
  return {
    connection,
    broker,
    [Symbol.dispose]() {
      connection.destroy();
      broker.destroy();
      server.close();
    },
  };
}

const TAKEN = Buffer.from([0x40, 2, 0, 1]);
const LEFT = Buffer.from([0xd0, 0]);
const takePuback: PacketTaker = (packet) => packet[0] === 0x40;

test("what is taken does not come to the reader, what is written goes to the broker", async () => {
  using ends = await connected(takePuback);
  const { connection, broker } = ends;
  broker.write(Buffer.concat([TAKEN, LEFT, TAKEN, LEFT]));
  const read: Buffer[] = [];
  for await (const piece of connection) {
    read.push(piece as Buffer);
    if (Buffer.concat(read).length === 2 * LEFT.length) break;
  }
  assert.deepEqual(Buffer.concat(read), Buffer.concat([LEFT, LEFT]));
});

test("a held connection is not read until it is released", async () => {
  let takenCount = 0;
  const released = Promise.withResolvers<void>();
  using ends = await connected((_packet, connection) => {
    if (takenCount++ === 0) connection.hold();
    if (takenCount === 3) released.resolve();
    return true;
  });
  const { connection, broker } = ends;
  broker.write(TAKEN);
  while (takenCount < 1) await new Promise((resolve) => setImmediate(resolve));
  // The second is in the kernel's buffers when its write has been flushed there.
  await new Promise((resolve) => broker.write(TAKEN, resolve));
  await new Promise((resolve) => broker.write(TAKEN, resolve));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(takenCount, 1);
  connection.release();
  await released.promise;
});

test("the end of the connection, from either side, closes both", async () => {
  using ends = await connected(takePuback);
  const { connection, broker } = ends;
  connection.resume();
  broker.destroy();
  await once(connection, "close");
  using others = await connected(takePuback);
  others.broker.resume();
  others.connection.end(LEFT);
  await once(others.broker, "close");
});
