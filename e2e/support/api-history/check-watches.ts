import type { Violation, WatchedChange, WatchRecord } from "./api-history.ts";

/** Each connection of a watch saw every change of its selection from its first revision to its last, once and in order. */
export function checkWatches(watches: readonly WatchRecord[], changes: readonly WatchedChange[]): Violation[] {
  return watches.flatMap((watch) => checkWatch(watch, changes));
}

function checkWatch(watch: WatchRecord, changes: readonly WatchedChange[]): Violation[] {
  const { watcher, prefix, from } = watch;
  const violations: Violation[] = [];
  let last = from;
  for (const { revision } of watch.changes) {
    if (revision <= last)
      violations.push({ rule: "watch out of order", message: `${watcher} saw ${revision} after ${last}` });
    last = Math.max(last, revision);
  }
  const seen = new Set(watch.changes.map(({ revision }) => revision));
  for (let index = firstAfter(changes, from); index < changes.length; index++) {
    const change = changes[index];
    if (!change || change.revision > last) break;
    if (change.name.startsWith(prefix) && !seen.has(change.revision))
      violations.push({
        rule: "watch has a gap",
        message: `${watcher}, from ${from} to ${last}, did not see ${change.revision} (${change.type} ${change.name})`,
      });
  }
  return violations;
}

/** The place of the first change after a revision. */
function firstAfter(changes: readonly WatchedChange[], revision: number): number {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
