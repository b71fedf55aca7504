import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import fc from "fast-check";
import {
  lastSequenceOf,
  readSampleBlock,
  SAMPLE_BLOCK_LIMITS,
  sampleBlockJson,
  samplesOf,
  toSampleBlock,
} from "./sample-block.ts";

const name = fc.string({ minLength: 1, maxLength: 12 });
const sample = fc.record({
  deviceId: name,
  property: name,
  value: fc.string({ unit: fc.constantFrom("a", "1", " ", "ü", '"') }),
  timestampMs: fc.integer({ min: 0, max: 2 ** 43 }),
});

test("samples are the same after their way through a block and JSON", () => {
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 2 ** 50 }),
      (samples, first) => {
        const block = toSampleBlock(first, samples);
        const read = readSampleBlock(JSON.parse(JSON.stringify(sampleBlockJson(block))) as JsonValue);
        assert.ok(read);
        assert.equal(lastSequenceOf(read), first + samples.length - 1);
        assert.deepEqual(
          samplesOf("s", read),
          samples.map((each, index) => ({ ...each, stream: "s", sequence: first + index })),
        );
      },
    ),
  );
});

test("a series is named once however many samples it has", () => {
  const samples = [1, 2, 3].map((value) => ({ deviceId: "d/a", property: "t", value: `${value}`, timestampMs: value }));
  assert.deepEqual(toSampleBlock(1, samples).series, [["d/a", "t"]]);
});

test("what is no block is not read", () => {
  const good = sampleBlockJson(toSampleBlock(1, [{ deviceId: "d/a", property: "t", value: "1", timestampMs: 5 }]));
  assert.ok(readSampleBlock(good));
  const wrong: JsonValue[] = [
    null,
    [],
    {},
    { ...good, first: 0 },
    { ...good, first: 1.5 },
    { ...good, rows: [] },
    { ...good, rows: [[1, 0, "1"]] },
    { ...good, rows: [[0, 0, 1]] },
    { ...good, rows: [[0, 0.5, "1"]] },
    { ...good, rows: [[0, 0, "a\0b"]] },
    { ...good, rows: [[0, 0, "x".repeat(SAMPLE_BLOCK_LIMITS.maximumValueBytes + 1)]] },
    { ...good, rows: Array.from({ length: SAMPLE_BLOCK_LIMITS.maximumRows + 1 }, () => [0, 0, "1"]) },
    { ...good, series: [["d/a"]] },
    { ...good, series: [["", "t"]] },
  ];
  for (const value of wrong) assert.equal(readSampleBlock(value), undefined, JSON.stringify(value).slice(0, 100));
});
