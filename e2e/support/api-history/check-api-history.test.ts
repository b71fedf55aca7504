import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiHistory, ListRecord, ObservedState, WatchedChange, WriteRecord } from "./api-history.ts";
import { checkApiHistory } from "./check-api-history.ts";

const state = (name: string, value: string, revision: number, uid = `uid of ${name}`): ObservedState => ({
  ...{ name, uid, value, revision },
});

/** A write that took the second before its revision. */
const write = (
  verb: WriteRecord["verb"],
  made: ObservedState,
  outcome: WriteRecord["outcome"] = { type: "acknowledged", state: made },
): WriteRecord => ({
  ...{ verb, name: made.name, value: made.value, outcome },
  ...{ beganAtMs: made.revision * 1000 - 900, endedAtMs: made.revision * 1000 },
});

const seen = (type: WatchedChange["type"], of: ObservedState): WatchedChange => ({ type, ...of });

const list = (revision: number, items: readonly ObservedState[], of: ListRecord["of"] = "present"): ListRecord => ({
  ...{ beganAtMs: revision * 1000 + 10, endedAtMs: revision * 1000 + 20, of, revision, items },
});

const a2 = state("left-a", "w1", 2);
const b3 = state("right-b", "w2", 3);
const a5 = state("left-a", "w3", 5);
const gone6 = state("left-a", "w3", 6);
const deletion: WriteRecord = {
  ...{ verb: "delete", name: "left-a", value: "uid of left-a", outcome: { type: "deleted" } },
  ...{ beganAtMs: 5_500, endedAtMs: 6_000 },
};
const events = [seen("ADDED", a2), seen("ADDED", b3), seen("MODIFIED", a5), seen("DELETED", gone6)];

/** Two objects, one of them changed and deleted; revisions 4 and 7 were of another kind. */
const sound: ApiHistory = {
  emptyAt: 1,
  writes: [write("create", a2), write("create", b3), { ...write("update", a5), basedOn: 2 }, deletion],
  watches: [
    { watcher: "all", prefix: "", from: 1, changes: events.slice(0, 2) },
    { watcher: "all", prefix: "", from: 3, changes: events.slice(2) },
    { watcher: "left", prefix: "left-", from: 1, changes: events.filter(({ name }) => name === "left-a") },
  ],
  lists: [list(2, [a2]), list(4, [a2, b3]), list(7, [b3]), list(3, [a2, b3], "past")],
};

/** The rules that a history breaks. */
const brokenBy = (change: Partial<ApiHistory>): string[] => [
  ...new Set(checkApiHistory({ ...sound, ...change }).map(({ rule }) => rule)),
];

/** All watches see these events, each in one connection. */
const watching = (changes: readonly WatchedChange[]): ApiHistory["watches"] => [
  { watcher: "all", prefix: "", from: 1, changes: [...changes] },
];

test("a sound history breaks no rule, nor does a write of unknown outcome, applied or not", () => {
  assert.deepEqual(checkApiHistory(sound), []);
  const unknown = { type: "unknown" } as const;
  const [first, , ...others] = sound.writes;
  const uncertain = { ...write("create", b3, unknown), endedAtMs: Number.POSITIVE_INFINITY };
  const never = { ...write("create", state("left-c", "w9", 4), unknown), endedAtMs: Number.POSITIVE_INFINITY };
  assert.deepEqual(brokenBy({ writes: [first ?? deletion, uncertain, never, ...others] }), []);
});

test("an acknowledged write that nobody sees is lost, whatever a list says", () => {
  assert.deepEqual(brokenBy({ writes: [...sound.writes, write("create", state("left-c", "w9", 8))] }), [
    "acknowledged write lost",
  ]);
  const { lists } = sound;
  assert.deepEqual(brokenBy({ watches: watching(events.slice(0, 3)), lists: lists.slice(0, 2) }), [
    "acknowledged write lost",
  ]);
});

test("a refused write that shows, one that shows twice and one of nobody are found", () => {
  const refused = write("create", b3, { type: "refused", httpStatus: 409 });
  const [first, , ...others] = sound.writes;
  assert.deepEqual(brokenBy({ writes: [first ?? deletion, refused, ...others] }), ["refused write applied"]);
  const again = seen("MODIFIED", { ...b3, revision: 9 });
  assert.deepEqual(brokenBy({ watches: watching([...events, again]) }), ["write applied twice"]);
  const foreign = seen("ADDED", state("left-x", "w77", 9));
  assert.deepEqual(brokenBy({ watches: watching([...events, foreign]) }), ["write from nowhere"]);
});

test("a revision that was two things, for two watches or for a watch and a writer, was reused", () => {
  const other = seen("ADDED", { ...b3, value: "w4" });
  const writes = [...sound.writes, write("create", { ...b3, value: "w4" }, { type: "unknown" })];
  const second = { watcher: "late", prefix: "", from: 2, changes: [other] };
  assert.ok(brokenBy({ writes, watches: [...sound.watches, second] }).includes("revision reused"));
  const told = write("create", { ...b3, value: "w5" });
  assert.ok(brokenBy({ writes: [...sound.writes, told] }).includes("revision reused"));
});

test("a write that began after another had ended and got a lower revision is found", () => {
  const late = { ...write("create", b3), beganAtMs: 7_000, endedAtMs: 7_500 };
  const [first, , ...others] = sound.writes;
  assert.deepEqual(brokenBy({ writes: [first ?? deletion, late, ...others], lists: [] }), ["revision went back"]);
});

test("a list of the present that is older than what had been told before it is found", () => {
  const stale = { ...list(4, [a2, b3]), beganAtMs: 6_500, endedAtMs: 6_600 };
  assert.deepEqual(brokenBy({ lists: [stale] }), ["revision went back"]);
  const back = [
    { ...list(6, [b3]), beganAtMs: 5_900, endedAtMs: 5_950 },
    { ...list(5, [a5, b3]), beganAtMs: 5_960, endedAtMs: 5_970 },
  ];
  assert.deepEqual(brokenBy({ lists: back }), ["revision went back"]);
});

test("a change that one watch did not see is a gap; what it did not select, or had not come to, is none", () => {
  const holed = { watcher: "holed", prefix: "", from: 1, changes: [seen("ADDED", a2), seen("MODIFIED", a5)] };
  assert.deepEqual(brokenBy({ watches: [...sound.watches, holed] }), ["watch has a gap"]);
  const right = { watcher: "right", prefix: "right-", from: 2, changes: [seen("ADDED", b3)] };
  assert.deepEqual(brokenBy({ watches: [...sound.watches, right] }), []);
});

test("a watch that sees a change twice, too early or out of order is found", () => {
  const cases = [
    { watcher: "twice", prefix: "", from: 2, changes: [seen("ADDED", b3), seen("ADDED", b3)] },
    { watcher: "early", prefix: "", from: 3, changes: [seen("ADDED", b3)] },
    { watcher: "mixed", prefix: "", from: 3, changes: [seen("DELETED", gone6), seen("MODIFIED", a5)] },
  ];
  for (const watch of cases)
    assert.deepEqual(brokenBy({ watches: [...sound.watches, watch] }), ["watch out of order"], watch.watcher);
});

test("changes that cannot follow each other are found: a gap that all watches share", () => {
  const withoutAddition = events.filter(({ revision }) => revision !== 3);
  const later = seen("MODIFIED", state("right-b", "w8", 8));
  const writes = [...sound.writes, write("update", state("right-b", "w8", 8))].filter(({ value }) => value !== "w2");
  assert.deepEqual(brokenBy({ writes, watches: watching([...withoutAddition, later]), lists: [] }), [
    "history impossible",
  ]);
});

test("a conditional write that met another revision than its condition is found", () => {
  const [first, second, third, fourth] = sound.writes;
  const writes = [first, second, third && { ...third, basedOn: 1 }, fourth].filter((item) => item !== undefined);
  assert.deepEqual(brokenBy({ writes }), ["condition ignored"]);
});

test("a list that differs from the changes before it is found, of the present and of the past", () => {
  assert.deepEqual(brokenBy({ lists: [list(4, [b3])] }), ["list differs"]);
  assert.deepEqual(brokenBy({ lists: [list(3, [a5, b3], "past")] }), ["list differs"]);
  assert.deepEqual(brokenBy({ lists: [list(7, [a5, b3])] }), ["list differs"]);
});
