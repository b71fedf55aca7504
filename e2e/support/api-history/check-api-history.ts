import type { ApiHistory, Violation } from "./api-history.ts";
import { checkStates } from "./check-states.ts";
import { checkWatches } from "./check-watches.ts";
import { checkWrites } from "./check-writes.ts";
import { revisionLogOf } from "./revision-log.ts";

/**
 * What a history breaks of what an API server promises: no acknowledged write lost, no revision reused or going back,
 * watches without gaps and duplicates, lists equal to the changes before them.
 */
export function checkApiHistory(history: ApiHistory): Violation[] {
  const { changes, violations } = revisionLogOf(history);
  return [
    ...violations,
    ...checkWrites(history, changes),
    ...checkWatches(history.watches, changes),
    ...checkStates(history, changes),
  ];
}
