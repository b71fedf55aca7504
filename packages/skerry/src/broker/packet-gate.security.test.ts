import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import fc from "fast-check";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { PacketGate } from "./packet-gate.ts";

/** A packet with the given number of bytes after its header. */
function packet(type: number, lengthBytes: number): Buffer {
  const header = [type];
  let rest = lengthBytes;
  do {
    header.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(lengthBytes, 0xff)]);
}

/** What comes through a gate that is given the bytes in pieces; an error ends it. */
async function through(limitBytes: number, bytes: Buffer, cuts: readonly number[]): Promise<Buffer> {
  const gate = new PacketGate(limitBytes);
  const passed: Buffer[] = [];
  gate.on("data", (chunk: Buffer) => passed.push(chunk));
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((left, right) => left - right);
  const ended = once(gate, "end");
  let begin = 0;
  for (const end of ends) {
    gate.write(bytes.subarray(begin, end));
    begin = end;
  }
  gate.end();
  await ended;
  return Buffer.concat(passed);
}

test("packets within the limit pass unchanged however they are cut, one above it does not", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(fc.nat(2_000), { maxLength: 6 }), async (lengths, cuts) => {
      const good = Buffer.concat(lengths.map((length) => packet(0x30, length)));
      assert.deepEqual(await through(300, good, cuts), good);
      const bad = Buffer.concat([good, packet(0x30, 301)]);
      await assert.rejects(through(300, bad, cuts), (error) => isSkerryError(error, "SKERRY_BROKER_PACKET_TOO_LARGE"));
    }),
    { numRuns: 50 },
  );
});

test("a client that announces an endless packet is cut off before it has sent it", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger });
  for (const announcement of [
    [0x10, 0xff, 0xff, 0xff, 0x7f],
    [0x30, 0xff, 0xff, 0xff, 0xff, 0x7f],
  ]) {
    const socket = connect(broker.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.from(announcement));
    await once(socket, "close");
  }
});
