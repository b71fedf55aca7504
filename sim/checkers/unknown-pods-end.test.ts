import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryEvent, NodeFact } from "../world/history.ts";
import { isUnknownToCopy } from "./unknown-pods-end.ts";

const container = { uid: "a", id: "container-1" };
const asked: NodeFact = { kind: "container-start-asked", podUid: "a", containerId: "container-1" };
const restored: NodeFact = { kind: "database-restored" };
const started = (knownPods: string[]): NodeFact => ({
  kind: "edge-started",
  knownPods,
  machineRestarted: false,
  linkUp: true,
});
const stored: NodeFact = { kind: "object-stored", key: "default/pod/a", uid: "a", version: "1", owner: "edge-1" };
const isUnknown = (...facts: NodeFact[]): boolean =>
  isUnknownToCopy(
    facts.map((fact, index): HistoryEvent => ({ atMs: index, node: "edge-1", ...fact })),
    container,
  );

test("a container's pod is unknown when only the database that was replaced knew it", () => {
  assert.equal(isUnknown(stored, asked, restored, started([])), true);
});

test("a container's pod is not excused when the edge knows it or began it itself", () => {
  assert.equal(isUnknown(stored, asked, started([])), false, "no database was replaced");
  assert.equal(isUnknown(stored, asked, restored, started(["a"])), false, "the copy had it");
  assert.equal(isUnknown(stored, asked, restored, started([]), stored), false, "the cloud sent it again");
  assert.equal(isUnknown(restored, started([]), asked), false, "it was started afterwards");
});
