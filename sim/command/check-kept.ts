import { mutantNamed } from "../mutants/mutants.ts";
import { readRegressions } from "../regressions/regression.ts";
import { countFailing, finding, STILL_ROBUST } from "../regressions/robustness.ts";

export interface CheckKeptOptions {
  readonly isJson: boolean;
  /** Only the schedules kept for this planted bug. */
  readonly only: string | undefined;
}

/**
 * Prints with how many latencies each kept schedule finds its planted bug; returns whether with enough, all of them, and
 * whether there was one at all.
 *
 * @throws Error when there is no planted bug of that name
 */
export async function checkKept({ isJson, only }: CheckKeptOptions): Promise<boolean> {
  const { needed, of } = STILL_ROBUST;
  const wanted = only === undefined ? undefined : mutantNamed(only).name;
  let checkedCount = 0;
  let isEachRobust = true;
  for (const [name, { mutant, schedule }] of readRegressions()) {
    if (mutant === undefined || (wanted !== undefined && mutant !== wanted)) continue;
    checkedCount++;
    const found = await countFailing(of, schedule, finding(mutantNamed(mutant)));
    if (found < needed) isEachRobust = false;
    const verdict = found < needed ? `; fewer than ${needed}: renew it` : "";
    console.log(
      isJson ? JSON.stringify({ schedule: name, found, of }) : `${name}: found with ${found} of ${of}${verdict}`,
    );
  }
  if (checkedCount === 0) console.error("No schedule is kept for it: nothing was checked");
  return isEachRobust && checkedCount > 0;
}
