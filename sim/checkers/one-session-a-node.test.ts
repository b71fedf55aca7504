import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryEvent } from "../world/history.ts";
import { checkOneSessionANode } from "./one-session-a-node.ts";

/** What was seen of the node's sessions: when each CloudCore's was opened, by CloudCore. */
function seen(atMs: number, openedAtMs: Readonly<Record<string, number>>): HistoryEvent {
  const sessions = Object.entries(openedAtMs).map(([cloud, at]) => ({ cloud, openedAtMs: at }));
  return { kind: "sessions", sessions, atMs, node: "edge-1" };
}

test("a session that stays long beside a newer one is found when the newer one is replaced meanwhile", () => {
  const events = [
    seen(1_000, { "cloud-1": 500 }),
    seen(2_000, { "cloud-1": 500, "cloud-2": 1_500 }),
    seen(12_000, { "cloud-1": 500, "cloud-2": 11_500 }),
    seen(18_000, { "cloud-2": 11_500 }),
  ];

  assert.deepEqual(checkOneSessionANode(events), [
    {
      invariant: "I11",
      message: "cloud-1 believed in a session from 2000 to 18000 ms beside a newer one at another CloudCore",
    },
  ]);
});

test("a session that stays beside a newer one until the end is found", () => {
  const events = [
    seen(2_000, { "cloud-1": 500, "cloud-2": 1_500 }),
    seen(18_000, { "cloud-1": 500, "cloud-2": 17_000 }),
  ];

  assert.equal(checkOneSessionANode(events).length, 1);
});

test("two sessions that end in time, one after the other, are none too long", () => {
  const events = [
    seen(2_000, { "cloud-1": 1_500, "cloud-2": 1_400 }),
    // cloud-2's session ended, and the node dialled cloud-2 again, between two looks.
    seen(12_000, { "cloud-1": 1_500, "cloud-2": 11_500 }),
    seen(22_000, { "cloud-2": 11_500 }),
  ];

  assert.deepEqual(checkOneSessionANode(events), []);
});

test("an older session is owed nothing while the API server is in trouble", () => {
  const troubled = (atMs: number, isOn: boolean): HistoryEvent => ({
    kind: "api-troubled",
    isOn,
    atMs,
    node: undefined,
  });
  const events = [
    seen(2_000, { "cloud-1": 500, "cloud-2": 1_500 }),
    troubled(3_000, true),
    troubled(30_000, false),
    seen(40_000, { "cloud-2": 1_500 }),
  ];

  assert.deepEqual(checkOneSessionANode(events), []);
});
