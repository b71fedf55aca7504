import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { mutants } from "./mutants/mutants.ts";
import { drawSchedule } from "./schedule/draw-schedule.ts";
import { runSchedule } from "./world/run-schedule.ts";

for (const protocol of ["kubeedge", "skerry", "mixed"] as const) {
  test(`clouds and edges agree after faults, and no invariant breaks, in the first seeds, protocol ${protocol}`, async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { violations } = await runSchedule(drawSchedule(seed, protocol), silentLogger);
      assert.deepEqual(violations, [], `see it with: npm run sim -- --seed ${seed} --protocol ${protocol}`);
    }
  });
}

test("a schedule runs the same way twice, byte for byte", async () => {
  const schedule = drawSchedule(7, "mixed");
  const first = await runSchedule(schedule, silentLogger);
  const second = await runSchedule(schedule, silentLogger);
  assert.equal(second.stepCount, first.stepCount);
  assert.equal(second.trace, first.trace);
  assert.equal(second.history.text(), first.history.text());
});

for (const mutant of mutants) {
  test(`the planted bug ${mutant.name} is found`, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      if ((await runSchedule(drawSchedule(seed, "mixed"), silentLogger, mutant)).violations.length > 0) return;
    }
    assert.fail("no seed of 200 found it");
  });
}
