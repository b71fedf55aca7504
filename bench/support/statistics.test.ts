import assert from "node:assert/strict";
import { test } from "node:test";
import { median, percentile } from "./statistics.ts";

test("the nearest rank is taken, whatever the order of the samples", () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.equal(median(samples), 100);
  assert.equal(percentile(samples, 0.99), 198);
  assert.equal(percentile(samples, 1), 200);
  assert.equal(percentile([7], 0.5), 7);
});

test("a percentile of nothing is refused", () => {
  assert.throws(() => median([]), RangeError);
});
