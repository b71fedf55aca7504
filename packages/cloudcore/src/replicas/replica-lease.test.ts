import assert from "node:assert/strict";
import { test } from "node:test";
import { type Lease, leases } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, settle } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { otherReplicas, ReplicaLease } from "./replica-lease.ts";

const clock = new ManualClock(Date.UTC(2026, 0, 1));

function replica(api: MemoryKubernetesApi, name: string, identity = name): ReplicaLease {
  return new ReplicaLease({
    api,
    clock,
    logger: silentLogger,
    name,
    identity,
    peerAddress: `${name}:1`,
    isLeader: () => name === "a",
  });
}

test("replicas know each other, and one that stopped is gone", async () => {
  const api = new MemoryKubernetesApi();
  await using a = replica(api, "a");
  const b = replica(api, "b");
  await Promise.all([a.start(), b.start()]);
  await settle();
  assert.deepEqual(await otherReplicas(api, clock, "a"), [{ name: "b", peerAddress: "b:1" }]);
  assert.deepEqual(await otherReplicas(api, clock, "b"), [{ name: "a", peerAddress: "a:1" }]);
  await b[Symbol.asyncDispose]();
  assert.deepEqual(await otherReplicas(api, clock, "a"), []);
});

test("a replica that crashed is still listed for a while, and its next start takes its lease", async () => {
  const api = new MemoryKubernetesApi();
  await using a = replica(api, "a");
  const crashed = replica(api, "b", "b-1");
  await Promise.all([a.start(), crashed.start()]);
  await settle();
  const target = { resource: leases, namespace: "kubeedge", name: "replica.b" };
  await using again = replica(api, "b", "b-2");
  await again.start();
  await settle();
  assert.equal((await api.get<Lease>(target)).spec?.holderIdentity, "b-2");
  // The first one's stop leaves the other's lease alone.
  await crashed[Symbol.asyncDispose]();
  assert.deepEqual(await otherReplicas(api, clock, "a"), [{ name: "b", peerAddress: "b:1" }]);
});

test("a lease that nobody has renewed for long is not listed, and the leader removes it", async () => {
  const api = new MemoryKubernetesApi();
  await using a = replica(api, "a");
  const metadata = { name: "replica.old", namespace: "kubeedge", labels: { "skerry.io/replica": "old" } };
  const spec = { renewTime: "2025-12-31T23:00:00.000000Z" };
  const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
  await api.create({ resource: leases, namespace: "kubeedge" }, lease);
  assert.deepEqual(await otherReplicas(api, clock, "a"), []);
  await using b = replica(api, "b");
  await b.start();
  await settle();
  const names = async (): Promise<string[]> =>
    (await api.list({ resource: leases, namespace: "kubeedge" })).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await names(), ["replica.b", "replica.old"]);
  await a.start();
  await settle();
  assert.deepEqual(await names(), ["replica.a", "replica.b"]);
});
