import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLogger } from "@skerry/base";
import type { Violation } from "../checkers/violation.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { mutantNamed, mutants } from "../mutants/mutants.ts";
import type { Regression } from "../regressions/regression.ts";
import { finding, meets, TO_BE_KEPT } from "../regressions/robustness.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { shrinkSchedule } from "../schedule/shrink-schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";
import type { ChosenSeed } from "./run-one-seed.ts";

const MAXIMUM_STEPS = 80;

/** Shrinks a seed that fails by our own code and keeps it; returns whether it failed at all. */
export async function shrinkSeed({ seed, protocol, api }: ChosenSeed, saveAs: string): Promise<boolean> {
  const whole = drawSchedule(seed, protocol, api);
  const [first] = await violations(whole);
  if (!first) {
    console.log(`seed ${seed} does not fail: there is nothing to shrink`);
    return false;
  }
  const { message: found, invariant } = first;
  const fails = async (candidate: Schedule): Promise<boolean> =>
    (await violations(candidate)).some((violation) => violation.invariant === invariant);
  const schedule = await shrinkSchedule(whole, fails, MAXIMUM_STEPS);
  console.log(`seed ${seed}: ${whole.acts.length} acts shrunk to ${schedule.acts.length}`);
  keep(saveAs, { found, invariant, schedule });
  return true;
}

/**
 * Finds each planted bug (or the one of that name) in up to `count` seeds, by a schedule that finds it whatever the
 * latencies are, and keeps this one shrunk as far as that lasts.
 */
export async function shrinkMutants(count: number, only: string | undefined): Promise<boolean> {
  let isEachFound = true;
  for (const mutant of only === undefined ? mutants : [mutantNamed(only)]) {
    let seed = 1;
    const draw = (): Schedule => drawSchedule(seed, mutant.protocol ?? "mixed");
    while (seed <= count && !(await meets(TO_BE_KEPT, draw(), finding(mutant)))) seed++;
    if (seed > count) {
      isEachFound = false;
      const { needed, of } = TO_BE_KEPT;
      console.log(`${mutant.name}: NOT FOUND with ${needed} of ${of} latencies by one of ${count} seeds`);
    } else await shrinkAndKeep(draw(), mutant, mutant.description);
  }
  return isEachFound;
}

/** Shrinks a schedule that is kept already, or was written by hand, and keeps it for a planted bug; returns whether it finds it. */
export async function shrinkKept(file: string, mutant: Mutant): Promise<boolean> {
  // Written by `keep`, or by hand after its model.
  const { found, schedule } = JSON.parse(readFileSync(file, "utf8")) as Regression;
  if (await meets(TO_BE_KEPT, schedule, finding(mutant))) {
    await shrinkAndKeep(schedule, mutant, found);
    return true;
  }
  const { needed, of } = TO_BE_KEPT;
  console.log(`${mutant.name}: ${file} does not find it with ${needed} of ${of} latencies`);
  return false;
}

async function shrinkAndKeep(whole: Schedule, mutant: Mutant, found: string): Promise<void> {
  const schedule = await shrinkSchedule(
    whole,
    (candidate) => meets(TO_BE_KEPT, candidate, finding(mutant)),
    MAXIMUM_STEPS,
  );
  let invariant = "";
  await meets({ ...TO_BE_KEPT, needed: 1 }, schedule, async (variant) => {
    const [first] = await violations(variant, mutant);
    if (first) invariant = first.invariant;
    return first !== undefined;
  });
  console.log(`${mutant.name}: ${whole.acts.length} acts of seed ${whole.seed} shrunk to ${schedule.acts.length}`);
  keep(mutant.name, { found, mutant: mutant.name, invariant, schedule });
}

async function violations(schedule: Schedule, mutant?: Mutant): Promise<readonly Violation[]> {
  return (await runSchedule(schedule, silentLogger, mutant)).violations;
}

function keep(name: string, regression: Regression): void {
  const file = join(import.meta.dirname, "../regressions", `${name}.json`);
  writeFileSync(file, `${JSON.stringify(regression, null, 2)}\n`);
}
