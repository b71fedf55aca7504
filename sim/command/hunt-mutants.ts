import { silentLogger } from "@skerry/base";
import type { Mutant } from "../mutants/mutant.ts";
import { mutantNamed, mutants } from "../mutants/mutants.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { SimulatedProtocol } from "../schedule/schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";

export interface HuntOptions {
  readonly from: number;
  /** Seeds to try for each. */
  readonly count: number;
  readonly protocol: SimulatedProtocol;
  readonly isJson: boolean;
  /** Only this one. */
  readonly only: string | undefined;
}

/** What became of the hunt for one planted bug. */
export interface Catch {
  readonly mutant: string;
  /** Undefined: not found. */
  readonly seed: number | undefined;
  readonly seedsTried: number;
  readonly violation: string | undefined;
}

/** Looks for each planted bug and prints by which seed it was found; returns whether all were. */
export async function huntMutants(options: HuntOptions): Promise<boolean> {
  let isEachFound = true;
  for (const mutant of options.only === undefined ? mutants : [mutantNamed(options.only)]) {
    const found = await huntMutant(mutant, options);
    if (found.seed === undefined) isEachFound = false;
    console.log(options.isJson ? JSON.stringify(found) : catchText(found));
  }
  return isEachFound;
}

/** Tries seeds until one finds the bug. */
export async function huntMutant(
  mutant: Mutant,
  { from, count, protocol }: Pick<HuntOptions, "from" | "count" | "protocol">,
): Promise<Catch> {
  for (let seed = from; seed < from + count; seed++) {
    const { violations } = await runSchedule(drawSchedule(seed, mutant.protocol ?? protocol), silentLogger, mutant);
    const [first] = violations;
    if (first)
      return {
        mutant: mutant.name,
        seed,
        seedsTried: seed - from + 1,
        violation: `${first.invariant}: ${first.message}`,
      };
  }
  return { mutant: mutant.name, seed: undefined, seedsTried: count, violation: undefined };
}

function catchText({ mutant, seed, seedsTried, violation }: Catch): string {
  return seed === undefined
    ? `${mutant}: NOT FOUND in ${seedsTried} seeds`
    : `${mutant}: found after ${seedsTried} seeds, by seed ${seed} (${violation})`;
}
