import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordedSample } from "@skerry/link";
import { formatSamples, sparkline } from "./sample-output.ts";

function samples(...values: string[]): RecordedSample[] {
  return values.map((value, index) => ({
    stream: "s",
    sequence: index + 1,
    deviceId: "default/a",
    property: "t",
    value,
    timestampMs: 1_000 * index,
  }));
}

test("a sparkline goes from the smallest to the largest value in the width there is", () => {
  assert.equal(sparkline(["0", "1", "2", "3", "4", "5", "6", "7"], 80), "▁▂▃▄▅▆▇█");
  assert.equal(sparkline(["0", "0", "7", "7"], 2), "▁█");
  assert.equal(sparkline(["3", "3"], 10), "▁▁");
  assert.equal(sparkline(["on", "off"], 10), undefined);
  assert.equal(sparkline(["1", ""], 10), undefined);
});

test("CSV quotes what has commas, quotes and line ends", () => {
  assert.deepEqual(formatSamples(samples('a,"b"\n'), "csv"), [
    "time,value,stream,sequence",
    '1970-01-01T00:00:00.000Z,"a,""b""\n",s,1',
  ]);
});

test("JSON has time, value, stream and sequence of each sample", () => {
  assert.deepEqual(JSON.parse(formatSamples(samples("1"), "json").join("\n")), [
    { time: "1970-01-01T00:00:00.000Z", value: "1", stream: "s", sequence: 1 },
  ]);
});

test("a table shows control characters of a device as blanks, and a picture only on a terminal", () => {
  assert.deepEqual(formatSamples(samples("a\u001b[31m"), "table", 80), [
    "TIME                      VALUE",
    "1970-01-01T00:00:00.000Z  a [31m",
  ]);
  assert.equal(formatSamples(samples("1", "2"), "table").length, 3);
  assert.deepEqual(formatSamples(samples("1", "2"), "table", 80).slice(0, 2), [
    "▁█",
    "2 samples, minimum 1, mean 1.5, maximum 2",
  ]);
  assert.deepEqual(formatSamples([], "table"), []);
});
