import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { mutantNamed, mutants } from "../mutants/mutants.ts";
import { runSchedule } from "../world/run-schedule.ts";
import { readRegressions } from "./regression.ts";
import { finding, meets, STILL_FINDS } from "./robustness.ts";

const regressions = readRegressions();

for (const [name, { mutant, schedule }] of regressions) {
  test(`the schedule ${name} holds${mutant === undefined ? "" : `, and finds the planted bug ${mutant}`}`, async () => {
    assert.deepEqual((await runSchedule(schedule, silentLogger)).violations, []);
    if (mutant === undefined) return;
    const isFound = await meets(STILL_FINDS, schedule, finding(mutantNamed(mutant)));
    assert.ok(isFound, `it finds it with none of ${STILL_FINDS.of} latencies: renew it (sim/README.md)`);
  });
}

test("each planted bug has a schedule that finds it", () => {
  const found = new Set([...regressions.values()].map(({ mutant }) => mutant));
  assert.deepEqual(
    mutants.map(({ name }) => name).filter((name) => !found.has(name)),
    [],
  );
});
