import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { drawSchedule } from "./schedule/draw-schedule.ts";
import { runSchedule } from "./world/run-schedule.ts";

for (const protocol of ["kubeedge", "skerry", "mixed"] as const) {
  test(`clouds and edges agree after faults, and no invariant breaks, in the first seeds, protocol ${protocol}`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { violations } = await runSchedule(drawSchedule(seed, protocol), silentLogger);
      assert.deepEqual(violations, [], `see it with: npm run sim -- --seed ${seed} --protocol ${protocol}`);
    }
  });
}

test("clouds and edges agree after faults of the embedded API server, and no invariant breaks, in the first seeds", async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { violations, counters } = await runSchedule(drawSchedule(seed, "mixed", "embedded"), silentLogger);
    assert.deepEqual(violations, [], `see it with: npm run sim -- --seed ${seed} --api embedded`);
    assert.ok(counters.entries().some(([kind]) => kind.includes("API server")));
  }
});

test("a schedule runs the same way twice, byte for byte", async () => {
  for (const [seed, api] of [
    [7, "memory"],
    [8, "memory"],
    [7, "embedded"],
  ] as const) {
    const schedule = drawSchedule(seed, "mixed", api);
    const first = await runSchedule(schedule, silentLogger);
    const second = await runSchedule(schedule, silentLogger);
    assert.equal(second.stepCount, first.stepCount);
    assert.equal(second.trace, first.trace);
    assert.equal(second.history.text(), first.history.text());
  }
});
