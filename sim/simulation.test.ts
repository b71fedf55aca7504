import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { mutants } from "./mutants.ts";
import { runWorld } from "./world/world.ts";

for (const protocol of ["kubeedge", "skerry"] as const) {
  test(`cloud and edge agree after faults, and no invariant breaks, in the first seeds, with ${protocol}'s delivery`, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { violations } = await runWorld(seed, silentLogger, undefined, protocol);
      assert.deepEqual(violations, [], `see it with: npm run sim -- --seed ${seed} --protocol ${protocol}`);
    }
  });
}

test("a seed runs the same way twice", async () => {
  const first = await runWorld(7, silentLogger);
  const second = await runWorld(7, silentLogger);
  assert.equal(second.stepCount, first.stepCount);
  assert.equal(second.history.text(), first.history.text());
});

for (const mutant of mutants) {
  test(`the planted bug ${mutant.name} is found`, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      if ((await runWorld(seed, silentLogger, mutant, "mixed")).violations.length > 0) return;
    }
    assert.fail("no seed of 200 found it");
  });
}
