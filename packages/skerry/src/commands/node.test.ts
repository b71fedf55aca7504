import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { listedNodes, node } from "./node.ts";

test("revoked nodes are listed whether they are registered or not", () => {
  const ready = { apiVersion: "v1", kind: "Node", metadata: { name: "b" }, status: { conditions: [] } };
  const revocation = { nodeName: "a", cutoffMs: 1_000 };
  const again = { nodeName: "b", cutoffMs: 2_000, reason: "stolen" };
  assert.deepEqual(listedNodes([ready], [again, revocation]), [
    { name: "a", state: "not registered", revocation },
    { name: "b", state: "NotReady", revocation: again },
  ]);
});

test("impossible names and unknown actions are usage errors", async () => {
  for (const words of [
    [],
    ["forget", "a"],
    ["revoke"],
    ["revoke", "A b"],
    ["revoke", "a", "b"],
    ["list", "-o", "yaml"],
  ])
    await assert.rejects(node.run(words), (error) => isSkerryError(error, "SKERRY_USAGE"), words.join(" "));
});
