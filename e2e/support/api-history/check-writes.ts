import type { ApiHistory, Violation, WatchedChange, WriteRecord } from "./api-history.ts";

/** What was acknowledged is in the log, what was refused is not, each at most once and in the order of real time. */
export function checkWrites({ writes, watches, lists }: ApiHistory, changes: readonly WatchedChange[]): Violation[] {
  const stored = Map.groupBy(
    changes.filter(({ type }) => type !== "DELETED"),
    ({ value }) => value,
  );
  const deleted = Map.groupBy(
    changes.filter(({ type }) => type === "DELETED"),
    ({ uid }) => uid,
  );
  // The log holds what was acknowledged itself; that it stayed is for the watches and lists to say.
  const watched = new Set(watches.flatMap((watch) => watch.changes.map(({ revision }) => revision)));
  const violations: Violation[] = [];
  const applied: { readonly write: WriteRecord; readonly revision: number }[] = [];
  const values = new Set<string>();
  for (const write of writes) {
    const { verb, name, value, outcome } = write;
    if (verb !== "delete") values.add(value);
    const found = (verb === "delete" ? deleted : stored).get(value) ?? [];
    const [change] = found;
    const told = `the ${verb} of ${name} (${value})`;
    if (found.length > 1)
      violations.push({
        rule: "write applied twice",
        message: `${told} is at ${found.map(({ revision }) => revision).join(", ")}`,
      });
    if (outcome.type === "refused" && verb !== "delete" && change)
      violations.push({
        rule: "refused write applied",
        message: `${told} was refused with ${outcome.httpStatus} and is at ${change.revision}`,
      });
    const isAcknowledged = outcome.type === "acknowledged" || outcome.type === "deleted";
    if (isAcknowledged && !(change && watched.has(change.revision)))
      violations.push({ rule: "acknowledged write lost", message: `${told} was acknowledged; no watch has seen it` });
    // Whose deletion it was is known only of the one that was acknowledged.
    if (change && (verb === "delete" ? outcome.type === "deleted" : outcome.type !== "refused"))
      applied.push({ write, revision: change.revision });
  }
  for (const [value, [change]] of stored)
    if (!values.has(value))
      violations.push({ rule: "write from nowhere", message: `${value} at ${change?.revision} was written by nobody` });
  return [...violations, ...checkOrder(applied), ...checkFreshness(applied, lists)];
}

interface AppliedWrite {
  readonly write: WriteRecord;
  readonly revision: number;
}

/** A write that began after another had ended has a higher revision. */
function checkOrder(applied: readonly AppliedWrite[]): Violation[] {
  const violations: Violation[] = [];
  let latest: AppliedWrite | undefined;
  for (const current of applied.toSorted((left, right) => left.revision - right.revision)) {
    if (latest && current.write.endedAtMs < latest.write.beganAtMs)
      violations.push({
        rule: "revision went back",
        message: `${latest.write.value} began after ${current.write.value} had ended, and got ${latest.revision} after ${current.revision}`,
      });
    if (!latest || current.write.beganAtMs > latest.write.beganAtMs) latest = current;
  }
  return violations;
}

/** A list of the present begins at no revision before a write, or another list, that had ended before. */
function checkFreshness(applied: readonly AppliedWrite[], lists: ApiHistory["lists"]): Violation[] {
  const present = lists.filter((list) => list.of === "present");
  const ended = [
    ...applied.map(({ write, revision }) => ({ endedAtMs: write.endedAtMs, revision, what: write.value })),
    ...present.map(({ endedAtMs, revision }) => ({ endedAtMs, revision, what: "another list" })),
  ].sort((left, right) => left.endedAtMs - right.endedAtMs);
  const violations: Violation[] = [];
  let index = 0;
  let newest = { revision: 0, what: "" };
  for (const { beganAtMs, revision } of present.toSorted((left, right) => left.beganAtMs - right.beganAtMs)) {
    for (let next = ended[index]; next && next.endedAtMs < beganAtMs; next = ended[++index])
      if (next.revision > newest.revision) newest = next;
    if (revision < newest.revision)
      violations.push({
        rule: "revision went back",
        message: `a list had ${revision} after ${newest.what} had ended at ${newest.revision}`,
      });
  }
  return violations;
}
