import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type KubernetesObject,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
  replicationControllers,
} from "@skerry/api";
import { SkerryError } from "@skerry/base";

import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { replicationControllerKind } from "./replica-kind.ts";
import { ReplicaSetController } from "./replica-set-controller.ts";

const inDefault = { resource: pods, namespace: "default" };
const target = { resource: replicaSets, namespace: "default", name: "web" };

function replicaSet(replicas: number): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
}

const controller: Parameters<typeof controllerWorld>[0] = (ports, informers) => [
  new ReplicaSetController(ports, informers),
];
const podNames = async (world: ControllerWorld): Promise<string[]> =>
  (await world.api.list<Pod>(inDefault)).items.map(({ metadata }) => metadata.name);
const scale = (world: ControllerWorld, replicas: number): Promise<ReplicaSet> =>
  world.api.patch<ReplicaSet>(target, { type: "merge", body: { spec: { replicas } } });

test("a ReplicaSet gets its pods, grows and shrinks with its spec, and says so in its status", async () => {
  await using world = await controllerWorld(controller);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(3));
  await world.clock.settle();
  assert.equal((await podNames(world)).length, 3);
  await scale(world, 5);
  await world.clock.settle();
  assert.equal((await podNames(world)).length, 5);
  await scale(world, 1);
  await world.clock.settle();
  assert.equal((await podNames(world)).length, 1);
  const { status } = await world.api.get<ReplicaSet>(target);
  assert.deepEqual(status, { replicas: 1, terminatingReplicas: 0, fullyLabeledReplicas: 1, observedGeneration: 3 });
});

test("a deleted or failed pod is replaced", async () => {
  await using world = await controllerWorld(controller);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(1));
  await world.clock.settle();
  const [first = ""] = await podNames(world);
  await world.api.delete({ ...inDefault, name: first });
  await world.clock.settle();
  const [second = ""] = await podNames(world);
  assert.notEqual(second, first);
  await world.api.patch(
    { ...inDefault, name: second, subresource: "status" },
    { type: "merge", body: { status: { phase: "Failed" } } },
  );
  await world.clock.settle();
  assert.equal((await podNames(world)).length, 2);
});

test("a matching orphan is adopted, a pod that no longer matches is released and replaced", async () => {
  await using world = await controllerWorld(controller);
  const orphan: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "orphan", labels: { app: "web" } },
    spec: { containers: [] },
  };
  await world.api.create(inDefault, orphan);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(1));
  await world.clock.settle();
  assert.deepEqual(await podNames(world), ["orphan"]);
  assert.equal((await world.api.get({ ...inDefault, name: "orphan" })).metadata.ownerReferences?.[0]?.name, "web");
  await world.api.patch(
    { ...inDefault, name: "orphan" },
    { type: "merge", body: { metadata: { labels: { app: "x" } } } },
  );
  await world.clock.settle();
  assert.deepEqual((await world.api.get({ ...inDefault, name: "orphan" })).metadata.ownerReferences, []);
  assert.equal((await podNames(world)).length, 2);
});

test("a cache that lags behind never leads to too many pods", async () => {
  await using world = await controllerWorld(controller);
  world.api.holdWatches(pods);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(3));
  await world.clock.advance(10_000);
  await world.api.patch(target, { type: "merge", body: { metadata: { annotations: { touch: "1" } } } });
  await world.clock.advance(10_000);
  assert.equal((await podNames(world)).length, 3);
  world.api.releaseWatches();
  await world.clock.advance(10_000);
  assert.equal((await podNames(world)).length, 3);
});

test("a creation that was done but got no answer is not done twice", async () => {
  await using world = await controllerWorld(controller);
  world.api.afterCreate = (object) => {
    if (object.kind !== "Pod") return;
    world.api.afterCreate = undefined;
    throw new SkerryError({ code: "KUBE_UNREACHABLE", message: "no answer", advice: "" });
  };
  world.api.holdWatches(pods);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(2));
  await world.clock.advance(30_000);
  assert.equal((await podNames(world)).length, 2);
  world.api.releaseWatches();
  await world.clock.advance(30_000);
  assert.equal((await podNames(world)).length, 2);
});

test("a pod that came and went while the cache did not look is replaced", async () => {
  await using world = await controllerWorld(controller);
  world.api.holdWatches(pods);
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(1));
  await world.clock.settle();
  const [first = ""] = await podNames(world);
  await world.api.delete({ ...inDefault, name: first });
  world.api.compact();
  world.api.releaseWatches();
  await world.clock.advance(30_000);
  const names = await podNames(world);
  assert.equal(names.length, 1);
  assert.notEqual(names[0], first);
});

test("a refused creation is told in the status and tried again", async () => {
  await using world = await controllerWorld(controller);
  world.api.beforeCreate = (object) => {
    if (object.kind === "Pod") throw world.api.forbidden("exceeded quota");
  };
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet(1));
  await world.clock.settle();
  const condition = (await world.api.get<ReplicaSet>(target)).status?.conditions?.[0];
  assert.equal(condition?.type, "ReplicaFailure");
  assert.equal(condition?.reason, "FailedCreate");
  world.api.beforeCreate = undefined;
  await world.clock.advance(60_000);
  assert.equal((await podNames(world)).length, 1);
  assert.equal((await world.api.get<ReplicaSet>(target)).status?.conditions, undefined);
});

test("a ReplicationController gets its pods, grows and shrinks, and says so in its status", async () => {
  await using world = await controllerWorld((ports, informers) => [
    new ReplicaSetController(ports, informers, replicationControllerKind(informers)),
  ]);
  const at = { resource: replicationControllers, namespace: "default", name: "web" };
  const { spec } = replicaSet(2);
  await world.api.create<KubernetesObject & { spec: object }>(at, {
    ...{ apiVersion: "v1", kind: "ReplicationController", metadata: { name: "web" } },
    spec: { ...spec, selector: { app: "web" } },
  });
  await world.clock.settle();
  const [pod, ...others] = (await world.api.list<Pod>(inDefault)).items;
  assert.equal(others.length, 1);
  assert.equal(pod?.metadata.ownerReferences?.[0]?.kind, "ReplicationController");
  await world.api.patch(at, { type: "merge", body: { spec: { replicas: 1 } } });
  await world.clock.settle();
  assert.equal((await podNames(world)).length, 1);
  const kept = await world.api.get<KubernetesObject & { status: object; spec: { selector: object } }>(at);
  assert.deepEqual(kept.spec.selector, { app: "web" });
  assert.deepEqual(kept.status, { replicas: 1, fullyLabeledReplicas: 1, observedGeneration: 2 });
});
