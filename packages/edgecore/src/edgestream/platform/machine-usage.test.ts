import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { readContainerStats } from "./machine-usage.ts";

/** A message of numbers (plain for bigint, wrapped as UInt64Value for number), by field. */
function numbers(fields: Readonly<Record<number, number | bigint>>): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === "bigint") writer.tag(Number(field), 0).int64(value);
    else writer.tag(Number(field), 2).bytes(new BinaryWriter().tag(1, 0).uint64(value).finish());
  }
  return writer.finish();
}

test("CRI's answer is read: labels, times, CPU, memory, disk; what is not known is skipped", () => {
  const label = new BinaryWriter().tag(1, 2).string("io.kubernetes.pod.name").tag(2, 2).string("web").finish();
  const attributes = new BinaryWriter().tag(1, 2).string("id").tag(3, 2).bytes(label).finish();
  const stats = new BinaryWriter()
    .tag(1, 2)
    .bytes(attributes)
    .tag(2, 2)
    .bytes(numbers({ 1: 1_700_000_000_123_000_000n, 2: 5_000_000_000, 3: 7 }))
    .tag(3, 2)
    .bytes(numbers({ 1: 1n, 2: 1024, 4: 4096, 5: 512, 9: 1 }))
    .tag(4, 2)
    .bytes(numbers({ 1: 1n, 3: 77, 4: 5 }))
    .tag(9, 2)
    .string("of a later version")
    .finish();
  const [read, ...more] = readContainerStats(new BinaryWriter().tag(1, 2).bytes(stats).finish());
  assert.equal(more.length, 0);
  assert.deepEqual(
    { ...read, labels: Object.fromEntries(read?.labels ?? []) },
    {
      labels: { "io.kubernetes.pod.name": "web" },
      atMs: 1_700_000_000_123,
      cpuNanos: 5_000_000_000,
      memoryWorkingSetBytes: 1024,
      memoryUsageBytes: 4096,
      memoryRssBytes: 512,
      diskUsedBytes: 77,
      diskInodes: 5,
    },
  );
});
