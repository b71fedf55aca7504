import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLogger } from "@skerry/base";
import type { Mutant } from "../mutants/mutant.ts";
import { mutantNamed, mutants } from "../mutants/mutants.ts";
import type { Regression } from "../regressions/regression.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { Schedule, SimulatedProtocol } from "../schedule/schedule.ts";
import { shrinkSchedule } from "../schedule/shrink-schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";

const MAXIMUM_RUNS = 80;

export interface ShrinkOptions {
  readonly seed: number;
  readonly protocol: SimulatedProtocol;
  readonly mutant: Mutant | undefined;
  /** File name in `sim/regressions/`, without its end; undefined: it is printed only. */
  readonly saveAs: string | undefined;
}

/** Shrinks a failing seed and keeps it; returns whether it failed at all. */
export async function shrinkSeed({ seed, protocol, mutant, saveAs }: ShrinkOptions): Promise<boolean> {
  const whole = drawSchedule(seed, mutant?.protocol ?? protocol);
  const [first] = (await runSchedule(whole, silentLogger, mutant)).violations;
  if (!first) {
    console.log(`seed ${seed} does not fail: there is nothing to shrink`);
    return false;
  }
  const { invariant } = first;
  const fails = async (schedule: Schedule): Promise<boolean> => {
    const { violations } = await runSchedule(schedule, silentLogger, mutant);
    return violations.some((violation) => violation.invariant === invariant);
  };
  const schedule = await shrinkSchedule(whole, fails, MAXIMUM_RUNS);
  const regression: Regression = {
    found: mutant?.description ?? first.message,
    ...(mutant ? { mutant: mutant.name } : {}),
    invariant,
    schedule,
  };
  console.log(`seed ${seed}: ${whole.acts.length} acts shrunk to ${schedule.acts.length}`);
  if (saveAs === undefined) console.log(JSON.stringify(regression, null, 2));
  else {
    const file = join(import.meta.dirname, "../regressions", `${saveAs}.json`);
    writeFileSync(file, `${JSON.stringify(regression, null, 2)}\n`);
  }
  return true;
}

/** Finds each planted bug (or the one of that name) in up to `count` seeds and keeps its smallest schedule. */
export async function shrinkMutants(count: number, only: string | undefined): Promise<boolean> {
  let isEachFound = true;
  for (const mutant of only === undefined ? mutants : [mutantNamed(only)]) {
    const protocol = mutant.protocol ?? "mixed";
    let seed = 1;
    const isFound = async (): Promise<boolean> =>
      (await runSchedule(drawSchedule(seed, protocol), silentLogger, mutant)).violations.length > 0;
    while (seed <= count && !(await isFound())) seed++;
    if (seed > count) {
      isEachFound = false;
      console.log(`${mutant.name}: NOT FOUND in ${count} seeds`);
    } else await shrinkSeed({ seed, protocol, mutant, saveAs: mutant.name });
  }
  return isEachFound;
}
