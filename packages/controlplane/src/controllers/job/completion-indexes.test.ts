import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countWithin, formatIndexes, parseIndexes, parseRanges, sizeOfRanges } from "./completion-indexes.ts";

test("indexes are written with ranges from three in a row on", () => {
  assert.equal(formatIndexes([]), "");
  assert.equal(formatIndexes([3, 1, 5, 4, 7, 8]), "1,3-5,7,8");
});

test("what is written is read back, and nonsense is left out", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200)), (indexes) => {
      assert.deepEqual(
        [...parseIndexes(formatIndexes(indexes), 201)],
        [...indexes].sort((left, right) => left - right),
      );
    }),
  );
  assert.deepEqual([...parseIndexes("x,2-1,4,3,4-5", 9)], [4]);
  assert.deepEqual([...parseIndexes(undefined, 9)], []);
});

test("a short text for a billion indexes is counted without being spelled out", () => {
  const ranges = parseRanges("0-999999999", 1_000_000_000);
  assert.equal(sizeOfRanges(ranges), 1_000_000_000);
  assert.equal(countWithin([7, 3], ranges), 2);
  assert.deepEqual([...parseIndexes("0-999999999", 3)], [0, 1, 2]);
});

test("indexes are counted within ranges as in the set that the ranges stand for", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60)), fc.uniqueArray(fc.nat(60)), fc.nat(60), (some, wanted, completions) => {
      const ranges = parseRanges(formatIndexes(wanted), completions);
      const within = new Set(wanted.filter((index) => index < completions));
      assert.equal(sizeOfRanges(ranges), within.size);
      assert.equal(countWithin(some, ranges), some.filter((index) => within.has(index)).length);
    }),
  );
});
