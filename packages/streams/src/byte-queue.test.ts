import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BoundedByteQueue } from "./byte-queue.ts";

test("what goes in comes out in order, however it was cut, and never more than the limit is kept", () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 4_000, maxLength: 5_000 }));
  const step = fc.oneof(chunk, fc.constant("shift" as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new BoundedByteQueue(12_000);
      const [taken, given]: [number[], number[]] = [[], []];
      let expectedBytes = 0;
      for (const each of steps) {
        if (each === "shift") {
          const bytes = queue.shift() ?? [];
          expectedBytes -= bytes.length;
          taken.push(...bytes);
        } else if (queue.push(each)) {
          expectedBytes += each.length;
          given.push(...each);
        } else {
          assert.ok(expectedBytes + each.length > 12_000);
        }
        assert.equal(queue.sizeBytes, expectedBytes);
      }
      for (let bytes = queue.shift(); bytes; bytes = queue.shift()) taken.push(...bytes);
      assert.deepEqual(taken, given);
    }),
  );
});

test("a flood of single bytes waits in few chunks", () => {
  const queue = new BoundedByteQueue(256 * 1024);
  for (let at = 0; at < 256 * 1024; at++) assert.ok(queue.push(Uint8Array.from([at & 0xff])));
  assert.equal(queue.push(Uint8Array.from([1])), false);
  let count = 0;
  for (let bytes = queue.shift(); bytes; bytes = queue.shift()) count++;
  assert.ok(count <= 66, `${count} chunks`);
});

test("a chunk is kept as it came, unless it is a small part of the memory that it lies in", () => {
  const queue = new BoundedByteQueue(1024 * 1024);
  const memory = new Uint8Array(64 * 1024);
  for (const [chunk, isKept] of [
    [memory.subarray(16), true],
    [memory.subarray(0, 16 * 1024), false],
  ] as const) {
    assert.ok(queue.push(chunk));
    assert.equal(queue.shift()?.buffer === memory.buffer, isKept);
  }
});
