import assert from "node:assert/strict";
import { test } from "node:test";
import type { DaemonSet, Pod } from "@skerry/api";
import { REVISION_HASH } from "../history/revision-history.ts";
import { daemonPlan } from "./daemon-plan.ts";

const set: DaemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "agent" },
  spec: {
    selector: { matchLabels: {} },
    template: { spec: { containers: [] } },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  },
};
const daemon = (
  name: string,
  hash: string,
  phase: "Running" | "Failed",
  isReady: boolean,
  deletionTimestamp?: string,
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { [REVISION_HASH]: hash }, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
  spec: { containers: [] },
  status: { phase, conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
});
const createdOn = (...pods: Pod[]): readonly string[] =>
  daemonPlan(set, [{ name: "a", shouldRun: true, mayContinue: true, pods }], "new", 0).create;

test("with a surge no further daemon is made while the new one that ended, or is going, is still there", () => {
  for (const isServed of [true, false]) {
    const old = daemon("old", "old", "Running", isServed);
    assert.deepEqual(createdOn(old), ["a"]);
    assert.deepEqual(createdOn(old, daemon("new", "new", "Failed", false)), []);
    assert.deepEqual(createdOn(old, daemon("new", "new", "Running", false, "2026-01-01T00:00:00Z")), []);
  }
});

test("a new daemon that ended keeps its place in the surge: no other node takes it meanwhile", () => {
  const node = (name: string, ...pods: Pod[]): Parameters<typeof daemonPlan>[1][number] => ({
    name,
    shouldRun: true,
    mayContinue: true,
    pods,
  });
  const old = daemon("old", "old", "Running", true);
  const nodes = [node("a", old, daemon("new", "new", "Failed", false)), node("b", old)];
  assert.deepEqual(daemonPlan(set, nodes, "new", 0).create, []);
});
