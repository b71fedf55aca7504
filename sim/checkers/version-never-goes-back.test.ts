import assert from "node:assert/strict";
import { test } from "node:test";
import { History, type NodeFact } from "../world/history.ts";
import { checkVersionNeverGoesBack } from "./version-never-goes-back.ts";

const stored = (version: string): NodeFact => ({
  kind: "object-stored",
  key: "null/node/edge-1",
  uid: "u",
  version,
  owner: undefined,
});

test("an object of the cluster of before may arrive until the node has forgotten its versions", () => {
  const history = new History(() => 0);
  history.add("edge-1", stored("10100"));
  history.add(undefined, { kind: "cloud-restored" });
  history.add("edge-1", stored("10125"));
  history.add("edge-1", { kind: "versions-forgotten" });
  history.add("edge-1", stored("125"));
  assert.deepEqual(checkVersionNeverGoesBack(history.eventsOf("edge-1")), []);
});

test("an older version is a violation when the node has not forgotten its versions, restored cluster or not", () => {
  const history = new History(() => 0);
  history.add("edge-1", stored("10125"));
  history.add(undefined, { kind: "cloud-restored" });
  history.add("edge-1", stored("125"));
  assert.equal(checkVersionNeverGoesBack(history.eventsOf("edge-1")).length, 1);
});
