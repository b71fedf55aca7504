import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReplicaSet, replicaSets } from "@skerry/api";
import { isApiError } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { writeStatus } from "./write-status.ts";

const { signal } = new AbortController();
const target = { resource: replicaSets, namespace: "default", name: "web" };

async function create(api: MemoryKubernetesApi): Promise<ReplicaSet> {
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web" },
    spec: { selector: { matchLabels: {} }, template: { spec: { containers: [] } } },
  };
  return api.create({ resource: replicaSets, namespace: "default" }, replicaSet);
}

test("a status is written when it is another, and then only", async () => {
  const api = new MemoryKubernetesApi();
  const before = await create(api);
  const written = await writeStatus(api, replicaSets, before, { replicas: 2 }, signal);
  assert.deepEqual((await api.get<ReplicaSet>(target)).status, { replicas: 2 });
  assert.ok(written);
  assert.notEqual(written.metadata.resourceVersion, before.metadata.resourceVersion);
  assert.equal(await writeStatus(api, replicaSets, written, { replicas: 2 }, signal), undefined);
  assert.equal((await api.get(target)).metadata.resourceVersion, written.metadata.resourceVersion);
});

test("the status of an object that is gone is nobody's, and a conflict is the caller's to try again", async () => {
  const api = new MemoryKubernetesApi();
  const before = await create(api);
  await writeStatus(api, replicaSets, before, { replicas: 2 }, signal);
  await assert.rejects(writeStatus(api, replicaSets, before, { replicas: 3 }, signal), (error) =>
    isApiError(error, "Conflict"),
  );
  await api.delete(target);
  assert.equal(await writeStatus(api, replicaSets, before, { replicas: 3 }, signal), undefined);
});
