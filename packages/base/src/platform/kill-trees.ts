import { processTree, sendSignal } from "./process-table.ts";

/** How long a process is waited for that hangs in the kernel, on a disk or on a child that is stopped: it starts nothing. */
const HANGING_MS = 100;
/** How long a tree is stopped that grows as fast, or that gets no processor to stop on. */
const LONGEST_MS = 1_000;
/** A look may take long itself. */
const LEAST_LOOKS = 3;
/** States in which a process starts no other: stopped, or ended. */
const RESTING = new Set(["T", "t", "Z", "X"]);

/**
 * Kills processes and all below them, also what these start meanwhile: a process that is killed before its newest child
 * was seen would leave that child to somebody else. So all are stopped first, until a look finds no new one and none that
 * still runs, or that took too long: whoever calls waits.
 */
export function killTrees(roots: readonly (number | undefined)[]): void {
  const known = new Set<number>();
  const startMs = performance.now();
  for (let look = 1; ; look++) {
    let limitMs = 0;
    for (const [processId, state] of processTree(roots)) {
      if (known.has(processId) ? RESTING.has(state) : !sendSignal(processId, "SIGSTOP")) continue;
      limitMs = Math.max(limitMs, known.has(processId) && state === "D" ? HANGING_MS : LONGEST_MS);
      known.add(processId);
    }
    if (limitMs === 0 || (look >= LEAST_LOOKS && performance.now() - startMs >= limitMs)) break;
  }
  for (const processId of known) sendSignal(processId, "SIGKILL");
}
