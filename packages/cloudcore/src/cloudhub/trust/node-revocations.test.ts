import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { listRevocations, NodeRevocations, revokeNode } from "./node-revocations.ts";

function follow(api: MemoryKubernetesApi): NodeRevocations {
  return new NodeRevocations({ api, clock: new ManualClock(), random: new SeededRandom(), logger: silentLogger });
}

test("what was revoked before the start is known when it is over, what comes later is told", async () => {
  const api = new MemoryKubernetesApi();
  await revokeNode(api, "edge-1", { nowMs: 1_000, reason: "stolen" });
  await using revocations = follow(api);
  await revocations.start();
  assert.deepEqual(revocations.get("edge-1"), { nodeName: "edge-1", cutoffMs: 1_000, reason: "stolen" });
  const told: string[] = [];
  using _listening = revocations.onRevoked(({ nodeName }) => told.push(nodeName));
  await revokeNode(api, "edge-2", { nowMs: 2_000 });
  while (told.length === 0) await settle();
  assert.deepEqual(told, ["edge-2"]);
  assert.equal(revocations.get("edge-3"), undefined);
});

test("a second revocation moves the moment and keeps the others", async () => {
  const api = new MemoryKubernetesApi();
  await revokeNode(api, "edge-1", { nowMs: 1_000 });
  await revokeNode(api, "edge-2", { nowMs: 2_000 });
  await revokeNode(api, "edge-1", { nowMs: 3_000 });
  const cutoffs = (await listRevocations(api)).map(({ nodeName, cutoffMs }) => [nodeName, cutoffMs]);
  assert.deepEqual(cutoffs, [
    ["edge-1", 3_000],
    ["edge-2", 2_000],
  ]);
});

test("two that revoke at once lose neither", async () => {
  const api = new MemoryKubernetesApi();
  await Promise.all(["a", "b", "c"].map((nodeName) => revokeNode(api, nodeName, { nowMs: 1_000 })));
  assert.equal((await listRevocations(api)).length, 3);
});

test("an entry that cannot be read puts its node out, and deleting the list takes nothing back", async () => {
  const api = new MemoryKubernetesApi();
  const list = { resource: configMaps, namespace: "kubeedge" };
  const name = "skerry-revoked-nodes";
  await api.create(list, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "kubeedge" },
    data: { "edge-1": "yes", "edge-2": "[]" },
  } as Parameters<typeof api.create>[1]);
  await using revocations = follow(api);
  await revocations.start();
  await api.delete({ ...list, name });
  await settle();
  for (const nodeName of ["edge-1", "edge-2"])
    assert.equal(revocations.get(nodeName)?.cutoffMs, Number.POSITIVE_INFINITY);
});
