import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import type { Mutant } from "../mutants/mutant.ts";
import { mutantNamed, mutants } from "../mutants/mutants.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";
import { readRegressions } from "./regression.ts";

const regressions = readRegressions();
/** Other latencies and ids for a kept schedule: what it needs may hang on them, and any change of our code shifts them. */
const VARIANTS = 10;
const DRAWN_SEEDS = 60;

/** Whether the kept schedule finds the planted bug, with these latencies or others; else a drawn one may. */
async function isFound(mutant: Mutant, kept: Schedule): Promise<boolean> {
  const breaks = async (schedule: Schedule): Promise<boolean> =>
    (await runSchedule(schedule, silentLogger, mutant)).violations.length > 0;
  for (let variant = 0; variant < VARIANTS; variant++)
    if (await breaks({ ...kept, seed: kept.seed + variant })) return true;
  for (let seed = 1; seed <= DRAWN_SEEDS; seed++)
    if (await breaks(drawSchedule(seed, mutant.protocol ?? "mixed"))) return true;
  return false;
}

for (const [name, { mutant, schedule }] of regressions) {
  test(`the schedule ${name} holds${mutant === undefined ? "" : `, and finds the planted bug ${mutant}`}`, async () => {
    assert.deepEqual((await runSchedule(schedule, silentLogger)).violations, []);
    if (mutant === undefined) return;
    assert.ok(await isFound(mutantNamed(mutant), schedule), "neither the kept schedule nor a drawn one finds it");
  });
}

test("each planted bug has a schedule that finds it", () => {
  const found = new Set([...regressions.values()].map(({ mutant }) => mutant));
  assert.deepEqual(
    mutants.map(({ name }) => name).filter((name) => !found.has(name)),
    [],
  );
});
