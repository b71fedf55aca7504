import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIndexes, parseIndexes } from "./completion-indexes.ts";

test("indexes are written with ranges from three in a row on", () => {
  assert.equal(formatIndexes([]), "");
  assert.equal(formatIndexes([3, 1, 5, 4, 7, 8]), "1,3-5,7,8");
});

test("what is written is read back, and nonsense is left out", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200)), (indexes) => {
      assert.deepEqual(
        [...parseIndexes(formatIndexes(indexes))],
        [...indexes].sort((left, right) => left - right),
      );
    }),
  );
  assert.deepEqual([...parseIndexes("x,2-1,4")], [4]);
  assert.deepEqual([...parseIndexes(undefined)], []);
});
