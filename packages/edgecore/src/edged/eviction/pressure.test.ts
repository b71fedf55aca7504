import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvictionThreshold } from "@skerry/api";
import { type Observations, PressureWatch } from "./pressure.ts";

const MIB = 2 ** 20;
const TRANSITION_MS = 300_000;

function threshold(given: Partial<EvictionThreshold>): EvictionThreshold {
  return {
    signal: "memory.available",
    amount: { kind: "quantity", value: 100 * MIB },
    graceMs: undefined,
    minimumReclaim: undefined,
    ...given,
  };
}

const left = (memoryMib: number, diskShare = 1): Observations =>
  new Map([
    ["memory.available", { available: memoryMib * MIB, capacity: 1024 * MIB }],
    ["nodefs.available", { available: diskShare * 1000, capacity: 1000 }],
  ]);

test("a hard threshold is due at once, its condition outlasts it by the transition period", () => {
  const watch = new PressureWatch([threshold({})], TRANSITION_MS);
  assert.deepEqual([...watch.update(left(100), 0).conditions], []);
  const short = watch.update(left(99), 1000);
  assert.equal(short.due.length, 1);
  assert.deepEqual([...short.conditions], ["MemoryPressure"]);
  const after = watch.update(left(500), 2000);
  assert.deepEqual([after.due.length, [...after.conditions]], [0, ["MemoryPressure"]]);
  assert.deepEqual([...watch.update(left(500), 1000 + TRANSITION_MS).conditions], []);
});

test("a soft threshold is due only after its grace without a break, and tells its condition at once", () => {
  const watch = new PressureWatch([threshold({ graceMs: 60_000 })], TRANSITION_MS);
  assert.deepEqual([...watch.update(left(50), 0).conditions], ["MemoryPressure"]);
  assert.equal(watch.update(left(50), 59_000).due.length, 0);
  assert.equal(watch.update(left(150), 59_500).due.length, 0);
  assert.equal(watch.update(left(50), 60_000).due.length, 0);
  assert.equal(watch.update(left(50), 120_000).due.length, 1);
});

test("what was crossed stays so until the minimum is reclaimed beyond it", () => {
  const minimumReclaim = { kind: "quantity", value: 50 * MIB } as const;
  const watch = new PressureWatch([threshold({ minimumReclaim })], TRANSITION_MS);
  assert.equal(watch.update(left(120), 0).due.length, 0);
  assert.equal(watch.update(left(99), 1).due.length, 1);
  assert.equal(watch.update(left(149), 2).due.length, 1);
  assert.equal(watch.update(left(150), 3).due.length, 0);
});

test("a share is one of what there is; memory comes before disk; what cannot be observed is not short", () => {
  const disk = threshold({ signal: "nodefs.available", amount: { kind: "share", value: 0.1 } });
  const inodes = threshold({ signal: "nodefs.inodesFree", amount: { kind: "share", value: 1 } });
  const watch = new PressureWatch([inodes, disk, threshold({})], TRANSITION_MS);
  const { due, conditions } = watch.update(left(1, 0.09), 0);
  assert.deepEqual(
    due.map(({ signal }) => signal),
    ["memory.available", "nodefs.available"],
  );
  assert.deepEqual([...conditions].sort(), ["DiskPressure", "MemoryPressure"]);
});
