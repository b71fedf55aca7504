import { isDeepStrictEqual } from "node:util";
import type { ApiHistory, ListRecord, ObservedState, Violation, WatchedChange } from "./api-history.ts";

/**
 * The changes, done one after the other, make sense: nothing is added twice or changed before it is there, and a conditional
 * write met the revision of its condition. Each list is the state at its revision.
 */
export function checkStates(history: ApiHistory, changes: readonly WatchedChange[]): Violation[] {
  const violations: Violation[] = [];
  const conditions = new Map(
    history.writes.flatMap(({ verb, value, basedOn }): [string, number][] =>
      verb === "delete" || basedOn === undefined ? [] : [[value, basedOn]],
    ),
  );
  const state = new Map<string, ObservedState>();
  const lists = history.lists.toSorted((left, right) => left.revision - right.revision);
  let nextList = 0;
  const checkListsBefore = (revision: number): void => {
    for (let list = lists[nextList]; list && list.revision < revision; list = lists[++nextList])
      violations.push(...checkList(list, state));
  };
  for (const change of changes) {
    checkListsBefore(change.revision);
    const { type, name, uid, value, revision } = change;
    const before = state.get(name);
    if (type === "ADDED" ? before !== undefined : before?.uid !== uid)
      violations.push({
        rule: "history impossible",
        message: `${type} ${name} (${uid}) at ${revision}; before it ${before ? `${before.uid} of ${before.revision}` : "there was none"}`,
      });
    if (type === "DELETED") {
      state.delete(name);
      continue;
    }
    const condition = conditions.get(value);
    if (condition !== undefined && condition !== before?.revision)
      violations.push({
        rule: "condition ignored",
        message: `${value} at ${revision} was to replace ${condition} and replaced ${before?.revision ?? "nothing"}`,
      });
    state.set(name, { name, uid, value, revision });
  }
  checkListsBefore(Number.POSITIVE_INFINITY);
  return violations;
}

function checkList(list: ListRecord, state: ReadonlyMap<string, ObservedState>): Violation[] {
  const texts = (items: Iterable<ObservedState>): string[] =>
    [...items].map(({ name, uid, value, revision }) => `${name} ${value} of ${revision} (${uid})`).sort();
  const [listed, expected] = [texts(list.items), texts(state.values())];
  if (isDeepStrictEqual(listed, expected)) return [];
  const missing = expected.filter((text) => !listed.includes(text));
  const foreign = listed.filter((text) => !expected.includes(text));
  return [
    {
      rule: "list differs",
      message: `at ${list.revision} (${list.of}): without ${missing.join(", ") || "nothing"}, with ${foreign.join(", ") || "nothing"}`,
    },
  ];
}
