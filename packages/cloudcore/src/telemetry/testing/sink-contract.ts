import assert from "node:assert/strict";
import type { RecordedSample, SampleQuery } from "@skerry/link";
import type { SampleBatch, TelemetrySink } from "../telemetry-sink.ts";

/** What every sink must do; each works on a sink of its own or on nodes of its own. */
export interface ContractCase {
  readonly name: string;
  run(sink: TelemetrySink): Promise<void>;
}

const everything: SampleQuery = {
  deviceId: "plant/pump",
  property: "pressure",
  sinceMs: 0,
  untilMs: 1e15,
  limit: 1000,
};

function samples(stream: string, from: number, to: number, property = "pressure"): RecordedSample[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    stream,
    sequence: from + index,
    deviceId: "plant/pump",
    property,
    value: `v${from + index}`,
    timestampMs: 1000 + from + index,
  }));
}

function batch(from: number, to: number, changes: Partial<SampleBatch> = {}): SampleBatch {
  const stream = changes.stream ?? "s";
  return { nodeName: "edge-1", stream, base: 0, samples: samples(stream, from, to), ...changes };
}

export const sinkContract: readonly ContractCase[] = [
  {
    name: "samples are stored once however often they come",
    async run(sink) {
      assert.equal(await sink.cursor("edge-1", "s"), 0);
      assert.deepEqual(await sink.append(batch(1, 3)), { cursor: 3, duplicates: 0, missing: 0 });
      assert.deepEqual(await sink.append(batch(2, 5)), { cursor: 5, duplicates: 2, missing: 0 });
      assert.deepEqual(await sink.append(batch(1, 3)), { cursor: 3 + 2, duplicates: 3, missing: 0 });
      assert.equal(await sink.cursor("edge-1", "s"), 5);
      const found = await sink.query(everything);
      assert.deepEqual(
        found.map(({ sequence, value, nodeName }) => [sequence, value, nodeName]),
        [1, 2, 3, 4, 5].map((each) => [each, `v${each}`, "edge-1"]),
      );
    },
  },
  {
    name: "gaps are counted, before the first sample too",
    async run(sink) {
      assert.equal((await sink.append(batch(4, 5))).missing, 3);
      assert.equal((await sink.append(batch(8, 9))).missing, 2);
      assert.deepEqual(await sink.streams(), [{ nodeName: "edge-1", stream: "s", cursor: 9, missing: 5 }]);
      assert.equal((await sink.append(batch(4, 5, { nodeName: "edge-2", base: 3 }))).missing, 0);
    },
  },
  {
    name: "a sink that has less than the node was told stores nothing, so that the node sends it again",
    async run(sink) {
      await sink.append(batch(1, 3));
      assert.deepEqual(await sink.append(batch(6, 7, { after: 5 })), { cursor: 3, duplicates: 0, missing: 0 });
      assert.equal(await sink.cursor("edge-1", "s"), 3);
      assert.equal((await sink.append(batch(4, 7, { after: 3 }))).cursor, 7);
    },
  },
  {
    name: "the first batch of a stream is told what the sink has of the stream before",
    async run(sink) {
      await sink.append(batch(1, 3));
      const next = { stream: "t", base: 6 };
      assert.deepEqual(await sink.append(batch(7, 7, { ...next, after: 5 })), { cursor: 0, duplicates: 0, missing: 0 });
      assert.deepEqual(
        (await sink.streams()).map(({ stream }) => stream),
        ["s"],
      );
      assert.equal((await sink.append(batch(7, 7, { ...next, after: 3 }))).cursor, 7, "4 to 6 the node has dropped");
    },
  },
  {
    name: "another stream that came as far, of a ring put back from a copy, does not pass for one that the sink has lost",
    async run(sink) {
      await sink.append(batch(1, 9));
      // Sequences from 3 on were given out again; then the sink was put back from a backup without that stream.
      const again = { stream: "t", base: 2 };
      assert.equal((await sink.append(batch(6, 7, { ...again, after: 5 }))).cursor, 0);
      const next = { stream: "u", base: 7 };
      assert.equal((await sink.append(batch(8, 8, { ...next, after: 7, afterStream: "t" }))).cursor, 0);
      assert.equal((await sink.append(batch(3, 7, { ...again, after: 2, afterStream: "s" }))).cursor, 7);
      assert.equal((await sink.append(batch(8, 8, { ...next, after: 7, afterStream: "t" }))).cursor, 8);
    },
  },
  {
    name: "streams of nodes are apart, also when they are named alike",
    async run(sink) {
      await sink.append(batch(1, 2));
      await sink.append(batch(1, 1, { nodeName: "edge-2" }));
      await sink.append(batch(1, 1, { stream: "t" }));
      assert.deepEqual(
        (await sink.streams()).map(({ nodeName, stream, cursor }) => [nodeName, stream, cursor]),
        [
          ["edge-1", "s", 2],
          ["edge-1", "t", 1],
          ["edge-2", "s", 1],
        ],
      );
      assert.equal((await sink.query(everything)).length, 4);
    },
  },
  {
    name: "samples of refused devices are not stored, and their sequences are settled",
    async run(sink) {
      const result = await sink.append(batch(1, 2, { refusedDevices: new Set(["plant/pump"]) }));
      assert.deepEqual(result, { cursor: 2, duplicates: 0, missing: 0 });
      assert.deepEqual(await sink.query(everything), []);
    },
  },
  {
    name: "a question gets the newest of one property in a time, oldest first",
    async run(sink) {
      await sink.append(batch(1, 9));
      await sink.append(batch(10, 12, { samples: samples("s", 10, 12, "temperature") }));
      const found = await sink.query({ ...everything, sinceMs: 1002, untilMs: 1007, limit: 3 });
      assert.deepEqual(
        found.map(({ timestampMs }) => timestampMs),
        [1005, 1006, 1007],
      );
      assert.deepEqual(await sink.query({ ...everything, deviceId: "plant/other" }), []);
    },
  },
  {
    name: "old samples go and the cursor stays",
    async run(sink) {
      await sink.append(batch(1, 5));
      assert.equal(await sink.prune(1004), 3);
      assert.deepEqual(
        (await sink.query(everything)).map(({ sequence }) => sequence),
        [4, 5],
      );
      assert.deepEqual(await sink.append(batch(1, 5)), { cursor: 5, duplicates: 5, missing: 0 });
    },
  },
  {
    name: "batches of one stream that come at the same time are stored once",
    async run(sink) {
      await Promise.all([sink.append(batch(1, 50)), sink.append(batch(1, 50)), sink.append(batch(1, 50))]);
      assert.equal((await sink.query(everything)).length, 50);
    },
  },
];
