import assert from "node:assert/strict";
import { test } from "node:test";
import { type Controller, groupFiles } from "./group-limits.ts";

const NOTHING = { cpuPeriodUs: 0, cpuQuotaUs: 0, cpuShares: 0, memoryBytes: 0 };

/** What is written for limits, as `file=text`. */
function written(version: 1 | 2, controller: Controller, over: object = {}): string[] {
  return groupFiles(version, controller, { ...NOTHING, ...over }).map(({ name, text }) => `${name}=${text}`);
}

test("limits are written in the form of either version of control groups", () => {
  const cpu = { cpuPeriodUs: 100_000, cpuQuotaUs: 50_000, cpuShares: 512 };
  assert.deepEqual(written(2, "cpu", cpu), ["cpu.max=50000 100000", "cpu.weight=20"]);
  assert.deepEqual(written(1, "cpu", cpu), ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000", "cpu.shares=512"]);
  const memory = { memoryBytes: 1024 };
  assert.deepEqual(written(2, "memory", memory), ["memory.max=1024", "memory.swap.max=0"]);
  assert.ok(written(1, "memory", memory).includes("memory.limit_in_bytes=1024"));
});

test("what has no limit is given none, also where it had one before", () => {
  assert.deepEqual(written(2, "cpu"), ["cpu.max=max 100000"]);
  assert.deepEqual(written(1, "cpu"), ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=-1"]);
  assert.deepEqual(written(2, "memory"), ["memory.max=max", "memory.swap.max=max"]);
  assert.ok(written(1, "memory").includes("memory.limit_in_bytes=-1"));
});
