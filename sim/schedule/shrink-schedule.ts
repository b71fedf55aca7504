import type { Schedule, ScheduledAct } from "./schedule.ts";

/** The life after the last act that is left: what it began has this long to show. */
const AFTER_LAST_MS = 30_000;

/**
 * Leaves out what a failure does not need: acts in ever smaller groups (delta debugging), then whole nodes and clouds at the end, until
 * nothing more can go. `fails` runs a schedule; at most `maximumRuns` times.
 */
export async function shrinkSchedule(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
  maximumRuns: number,
): Promise<Schedule> {
  let runs = 0;
  let smallest = schedule;
  const tries = async (candidate: Schedule): Promise<boolean> => {
    if (runs >= maximumRuns) return false;
    runs++;
    if (!(await fails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  for (let size = Math.ceil(schedule.acts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < smallest.acts.length; ) {
      const acts = [...smallest.acts.slice(0, from), ...smallest.acts.slice(from + size)];
      if (!(await tries(withActs(smallest, acts)))) from += size;
    }
  }
  while (smallest.clouds > 1 && (await tries({ ...smallest, clouds: smallest.clouds - 1 })));
  while (canDropNode(smallest) && (await tries({ ...smallest, nodes: smallest.nodes.slice(0, -1) })));
  return smallest;
}

function withActs(schedule: Schedule, acts: readonly ScheduledAct[]): Schedule {
  const lastMs = acts.at(-1)?.atMs ?? 0;
  return { ...schedule, acts, endMs: Math.min(schedule.endMs, lastMs + AFTER_LAST_MS) };
}

function canDropNode({ nodes, acts }: Schedule): boolean {
  return nodes.length > 1 && acts.every(({ node }) => node < nodes.length - 1);
}
