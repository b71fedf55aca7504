import { silentLogger } from "@skerry/base";
import type { Mutant } from "../mutants/mutant.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";

/** With how many of so many latencies (and ids) a schedule must show a bug. */
export interface Demand {
  readonly needed: number;
  readonly of: number;
}

/** Of a schedule that is to be kept for a planted bug: any change of our code shifts latencies, and must not hide the bug. */
export const TO_BE_KEPT: Demand = { needed: 8, of: 10 };
/** Of one that was kept some time ago; one that no longer meets it is to be renewed before it finds nothing. */
export const STILL_ROBUST: Demand = { needed: 5, of: 10 };
/** Of one that is replayed at each change. */
export const STILL_FINDS: Demand = { needed: 1, of: 20 };

/** Looks whether a schedule finds a planted bug. */
export function finding(mutant: Mutant): (schedule: Schedule) => Promise<boolean> {
  return async (schedule) => (await runSchedule(schedule, silentLogger, mutant)).violations.length > 0;
}

/** Whether the schedule fails with so many latencies; runs no more than it takes to know. */
export async function meets(
  { needed, of }: Demand,
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
): Promise<boolean> {
  let found = 0;
  for (let tried = 0; tried < of && found < needed && found + of - tried >= needed; tried++)
    if (await fails(withLatencies(schedule, tried))) found++;
  return found >= needed;
}

/** With how many of so many latencies the schedule fails. */
export async function countFailing(
  count: number,
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
): Promise<number> {
  let found = 0;
  for (let tried = 0; tried < count; tried++) if (await fails(withLatencies(schedule, tried))) found++;
  return found;
}

/** The same life with other latencies and ids; 0: as it is. */
function withLatencies(schedule: Schedule, variant: number): Schedule {
  return { ...schedule, seed: schedule.seed + variant };
}
