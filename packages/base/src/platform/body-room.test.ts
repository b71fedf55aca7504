import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyRoom } from "./body-room.ts";

async function* body(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size);
}

const told = async (read: Uint8Array | string): Promise<string> =>
  typeof read === "string" ? read : `${read.byteLength} bytes`;

test("bodies have room together, as long as they are worked on", async () => {
  const room = new BodyRoom(100);
  const worked = Promise.withResolvers<void>();
  const first = room.read(body(30, 30), 60, async (read) => {
    await worked.promise;
    return told(read);
  });
  await new Promise(setImmediate);
  assert.equal(await room.read(body(61), 60, told), "too-large");
  assert.equal(await room.read(body(20, 20, 20), 60, told), "no-room");
  assert.equal(await room.read(body(40), 60, told), "40 bytes");
  worked.resolve();
  assert.equal(await first, "60 bytes");
  assert.equal(await room.read(body(60), 60, told), "60 bytes");
  assert.equal(room.refused, 1);
});

test("a body that breaks off, and one whose work fails, give their room back", async () => {
  const room = new BodyRoom(100);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(90);
    throw new Error("the client has gone");
  }
  await assert.rejects(room.read(broken(), 100, told), /has gone/);
  await assert.rejects(
    room.read(body(90), 100, async () => {
      throw new Error("it failed");
    }),
    /it failed/,
  );
  assert.equal(await room.read(body(100), 100, told), "100 bytes");
});
