import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { reconciledDefault } from "./reconcile-default.ts";

const rule = (resource: string): JsonObject => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const stored = (change: JsonObject = {}): JsonObject => ({
  kind: "ClusterRole",
  metadata: { name: "edit", uid: "u", labels: { mine: "1" }, annotations: {} },
  rules: [rule("pods"), rule("widgets")],
  ...change,
});

test("a default role of an older version gets what it lacks and keeps what was added", () => {
  const wanted: JsonObject = {
    kind: "ClusterRole",
    metadata: { name: "edit", labels: { "kubernetes.io/bootstrapping": "rbac-defaults" } },
    rules: [rule("pods"), rule("jobs")],
  };
  const merged = reconciledDefault(stored(), wanted);
  assert.ok(merged);
  assert.deepEqual(merged["rules"], [rule("pods"), rule("widgets"), rule("jobs")]);
  const labels = { mine: "1", "kubernetes.io/bootstrapping": "rbac-defaults" };
  assert.deepEqual((merged["metadata"] as JsonObject)["labels"], labels);
  assert.equal(reconciledDefault(merged, wanted), undefined);
});

test("a default role that is not to be updated stays as it is", () => {
  const annotations = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
  const kept = stored({ metadata: { name: "edit", annotations } });
  assert.equal(reconciledDefault(kept, { metadata: { name: "edit" }, rules: [rule("jobs")] }), undefined);
});

test("a default binding keeps the subjects it was given", () => {
  const group = (name: string): JsonObject => ({ kind: "Group", name });
  const merged = reconciledDefault(
    { metadata: { name: "b" }, subjects: [group("mine")] },
    { metadata: { name: "b" }, subjects: [group("system:authenticated")] },
  );
  assert.deepEqual(merged?.["subjects"], [group("mine"), group("system:authenticated")]);
});
