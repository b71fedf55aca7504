import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { unpacked } from "./unpacked.ts";

const PLAIN = Buffer.from("x".repeat(100_000));

test("the source is closed when who reads it stops, whether it was packed, and whether anything was read", async () => {
  for (const bytes of [PLAIN, gzipSync(PLAIN)])
    for (const isRead of [true, false]) {
      const source = Readable.from([bytes.subarray(0, 50), bytes.subarray(50)], { highWaterMark: 1 });
      const closed = once(source, "close");
      const plain = await unpacked(source);
      if (isRead) await once(plain, "readable");
      plain.destroy();
      await closed;
      assert.ok(source.destroyed);
    }
});

test("a source that fails midway fails what is read of it", async () => {
  for (const bytes of [PLAIN, gzipSync(PLAIN)]) {
    const source = Readable.from(
      (async function* cut(): AsyncGenerator<Buffer> {
        yield bytes.subarray(0, 50);
        throw new Error("cut off");
      })(),
    );
    await assert.rejects(unpacked(source).then(buffer), /cut off/);
  }
});
