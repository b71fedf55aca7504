import type { ApiHistory, Violation, WatchedChange } from "./api-history.ts";

/** What happened at each revision, put together from all that was seen of it. */
export interface RevisionLog {
  /** In the order of their revisions. */
  readonly changes: readonly WatchedChange[];
  readonly violations: readonly Violation[];
}

/** Puts the answers to writes and the events of all watches together; no two may differ about a revision. */
export function revisionLogOf({ writes, watches }: ApiHistory): RevisionLog {
  const known = new Map<number, { readonly change: WatchedChange; readonly by: string }>();
  const violations: Violation[] = [];
  const add = (change: WatchedChange, by: string): void => {
    const before = known.get(change.revision);
    if (!before) known.set(change.revision, { change, by });
    else if (textOf(before.change) !== textOf(change))
      violations.push({
        rule: "revision reused",
        message: `revision ${change.revision} was ${textOf(before.change)} for ${before.by} and ${textOf(change)} for ${by}`,
      });
  };
  for (const { watcher, changes } of watches) for (const change of changes) add(change, watcher);
  for (const { verb, outcome } of writes)
    if (outcome.type === "acknowledged")
      add({ ...outcome.state, type: verb === "create" ? "ADDED" : "MODIFIED" }, `the writer of ${outcome.state.value}`);
  const changes = [...known.values()].map(({ change }) => change);
  return { changes: changes.sort((left, right) => left.revision - right.revision), violations };
}

function textOf({ type, name, uid, value }: WatchedChange): string {
  return `${type} ${name} ${value} (${uid})`;
}
