import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batchesOf } from "./batches.ts";

test("batches hold all items in order, each but the last is full, and none is empty", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const batches = [...batchesOf(items, size)];
      assert.deepEqual(batches.flat(), items);
      for (const batch of batches.slice(0, -1)) assert.equal(batch.length, size);
      for (const batch of batches) assert.ok(batch.length > 0 && batch.length <= size);
    }),
  );
});
