import { processTree, sendSignal } from "./process-table.ts";

/** Bounds how long a tree may be looked at that grows as fast as it is stopped; a look takes some milliseconds. */
const MOST_LOOKS = 100;
/** States in which a process starts no other: stopped, or ended. */
const RESTING = new Set(["T", "t", "Z", "X"]);

/**
 * Kills processes and all below them, also what these start meanwhile: a process that is killed before its newest child
 * was seen would leave that child to somebody else. So all are stopped first, until a look finds no new one and none that
 * still runs.
 */
export function killTrees(roots: readonly (number | undefined)[]): void {
  const known = new Set<number>();
  for (let look = 0; look < MOST_LOOKS; look++) {
    let isAtRest = true;
    for (const [processId, state] of processTree(roots)) {
      if (known.has(processId) ? RESTING.has(state) : !sendSignal(processId, "SIGSTOP")) continue;
      known.add(processId);
      isAtRest = false;
    }
    if (isAtRest) break;
  }
  for (const processId of known) sendSignal(processId, "SIGKILL");
}
