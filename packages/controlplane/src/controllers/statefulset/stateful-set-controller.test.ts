import assert from "node:assert/strict";
import { test } from "node:test";
import {
  controllerRevisions,
  type Event,
  events,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  statefulSets,
} from "@skerry/api";
import { GarbageCollector } from "../garbagecollector/garbage-collector.ts";
import { ResourceDirectory } from "../resource-directory.ts";
import { type ControllerWorld, controllerWorld, playKubelet } from "../testing/controller-world.ts";
import { ended, listPods, ready, setPodStatus } from "../testing/pod-states.ts";
import { StatefulSetController } from "./stateful-set-controller.ts";

const target = { resource: statefulSets, namespace: "default", name: "db" };
const claimTemplate: PersistentVolumeClaim = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new StatefulSetController(ports, informers)]);

async function create(world: ControllerWorld, spec: Partial<StatefulSet["spec"]> = {}): Promise<void> {
  const set: StatefulSet = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 3,
      serviceName: "dbs",
      selector: { matchLabels: { app: "db" } },
      template: { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
      ...spec,
    },
  };
  await world.api.create({ resource: statefulSets, namespace: "default" }, set);
  await world.clock.settle();
}

const setOf = (world: ControllerWorld): Promise<StatefulSet> => world.api.get<StatefulSet>(target);
/** `name image` of each pod that is not on its way out. */
const podsOf = async (world: ControllerWorld): Promise<string[]> =>
  (await listPods(world))
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`);
const change = async (world: ControllerWorld, spec: object): Promise<void> => {
  await world.api.patch(target, { type: "merge", body: { spec: spec as never } });
  await world.clock.settle();
};
const image = (name: string): object => ({ template: { spec: { containers: [{ name: "c", image: name }] } } });
async function playRounds(world: ControllerWorld, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) await playKubelet(world);
}

test("pods come one after the other, each with its own name, number and place in the service", async () => {
  await using world = await start();
  await create(world);
  for (const expected of [["db-0"], ["db-0", "db-1"], ["db-0", "db-1", "db-2"]]) {
    assert.deepEqual(
      (await podsOf(world)).map((each) => each.split(" ")[0]),
      expected,
    );
    await playKubelet(world);
  }
  const pod = (await listPods(world))[1];
  assert.equal(pod?.spec.hostname, "db-1");
  assert.equal(pod?.spec.subdomain, "dbs");
  assert.equal(pod?.metadata.labels?.["apps.kubernetes.io/pod-index"], "1");
  const { status } = await setOf(world);
  assert.deepEqual(
    { ...status, currentRevision: "", updateRevision: "" },
    {
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      currentRevision: "",
      updateRevision: "",
      collisionCount: 0,
    },
  );
  assert.equal(status?.currentRevision, status?.updateRevision);
  const told = (await world.api.list<Event>({ resource: events })).items.map(({ message }) => message);
  assert.ok(told.includes("create Pod db-0 in StatefulSet db successful"));
});

test("a pod that is not ready holds back the next one; in parallel none waits", async () => {
  await using world = await start();
  await create(world);
  await world.clock.advance(60_000);
  assert.deepEqual(await podsOf(world), ["db-0 i:1"]);
  await using other = await start();
  await create(other, { podManagementPolicy: "Parallel" });
  assert.equal((await podsOf(other)).length, 3);
});

test("scaling down takes the last pods first, one after the other", async () => {
  await using world = await start();
  await create(world);
  await playRounds(world, 4);
  await change(world, { replicas: 1 });
  const before = await podsOf(world);
  assert.ok(before.includes("db-0 i:1"));
  await playRounds(world, 4);
  assert.deepEqual(await podsOf(world), ["db-0 i:1"]);
});

test("an update goes from the last pod to the first and stops at the partition", async () => {
  await using world = await start();
  await create(world, { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } });
  await playRounds(world, 4);
  await change(world, image("i:2"));
  await playRounds(world, 8);
  assert.deepEqual(await podsOf(world), ["db-0 i:1", "db-1 i:2", "db-2 i:2"]);
  const { status } = await setOf(world);
  assert.equal(status?.updatedReplicas, 2);
  assert.notEqual(status?.currentRevision, status?.updateRevision);
  await world.api.delete({ resource: pods, namespace: "default", name: "db-0" });
  await playRounds(world, 3);
  assert.ok((await podsOf(world)).includes("db-0 i:1"), "below the partition a lost pod comes back in its old version");
  await change(world, { updateStrategy: { rollingUpdate: { partition: 0 } } });
  await playRounds(world, 6);
  assert.deepEqual(await podsOf(world), ["db-0 i:2", "db-1 i:2", "db-2 i:2"]);
  const done = (await setOf(world)).status;
  assert.equal(done?.currentRevision, done?.updateRevision);
});

test("an update waits for each new pod to be ready", async () => {
  await using world = await start();
  await create(world, { replicas: 2 });
  await playRounds(world, 3);
  await change(world, image("i:2"));
  await world.clock.advance(60_000);
  const alive = await podsOf(world);
  assert.ok(alive.includes("db-0 i:1"));
  assert.ok(!alive.includes("db-1 i:1"));
});

test("each pod has its own claims, which stay when the pod goes and are found again", async () => {
  await using world = await start();
  await create(world, { replicas: 2, volumeClaimTemplates: [claimTemplate] });
  await playRounds(world, 3);
  const claims = async (): Promise<string[]> =>
    (await world.api.list({ resource: persistentVolumeClaims })).items.map(({ metadata }) => metadata.name);
  assert.deepEqual(await claims(), ["data-db-0", "data-db-1"]);
  const [pod] = await listPods(world);
  assert.deepEqual(pod?.spec.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } }]);
  await change(world, { replicas: 1 });
  await playRounds(world, 3);
  assert.deepEqual(await claims(), ["data-db-0", "data-db-1"]);
  await change(world, { replicas: 2, persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" } });
  await playRounds(world, 3);
  await change(world, { replicas: 1 });
  const owned = await world.api.get({ resource: persistentVolumeClaims, namespace: "default", name: "data-db-1" });
  assert.equal(owned.metadata.ownerReferences?.[0]?.name, "db-1");
});

test("a pod that failed is made anew under its name", async () => {
  await using world = await start();
  await create(world, { replicas: 1 });
  const [before] = await listPods(world);
  assert.ok(before);
  await setPodStatus(world, before, ended(world, 1));
  await playRounds(world, 2);
  const [after] = await listPods(world);
  assert.equal(after?.metadata.name, "db-0");
  assert.notEqual(after?.metadata.uid, before.metadata.uid);
});

test("numbers may begin elsewhere, and minReadySeconds delays the next pod", async () => {
  await using world = await start();
  await create(world, { replicas: 2, ordinals: { start: 5 }, minReadySeconds: 30 });
  const [first] = await listPods(world);
  assert.equal(first?.metadata.name, "db-5");
  await setPodStatus(world, first, ready(world));
  await world.clock.advance(29_000);
  assert.equal((await listPods(world)).length, 1);
  await world.clock.advance(2_000);
  assert.deepEqual(
    (await podsOf(world)).map((each) => each.split(" ")[0]),
    ["db-5", "db-6"],
  );
});

test("a lagging cache of pods leads to no second pod of a name", async () => {
  await using world = await start();
  world.api.holdWatches(pods);
  await create(world, { podManagementPolicy: "Parallel" });
  await world.clock.advance(20_000);
  assert.equal((await podsOf(world)).length, 3);
  const told = (await world.api.list<Event>({ resource: events })).items.filter(({ type }) => type === "Warning");
  assert.deepEqual(told, []);
});

test("claims follow a retention policy that changes later, and keep owners that are not the set's", async () => {
  await using world = await start();
  await create(world, { replicas: 2, volumeClaimTemplates: [claimTemplate] });
  await playRounds(world, 3);
  const other = { apiVersion: "v1", kind: "ConfigMap", name: "other", uid: "u" };
  const claimTarget = { resource: persistentVolumeClaims, namespace: "default", name: "data-db-1" };
  await world.api.patch(claimTarget, { type: "merge", body: { metadata: { ownerReferences: [other] } } });
  await world.clock.settle();
  const owners = async (name: string): Promise<string[]> =>
    ((await world.api.get({ ...claimTarget, name })).metadata.ownerReferences ?? []).map((owner) => owner.name);
  const retention = (whenDeleted: string, whenScaled: string): Promise<void> =>
    change(world, { persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
  await retention("Delete", "Delete");
  assert.deepEqual(await owners("data-db-0"), ["db"]);
  assert.deepEqual(await owners("data-db-1"), ["other", "db"]);
  await retention("Retain", "Retain");
  assert.deepEqual(await owners("data-db-0"), []);
  assert.deepEqual(await owners("data-db-1"), ["other"]);
  await retention("Delete", "Delete");
  await change(world, { replicas: 1 });
  assert.deepEqual(await owners("data-db-1"), ["other", "db-1"], "what goes with its pod is not held by the set");
  await playRounds(world, 2);
  await change(world, { replicas: 2 });
  await playRounds(world, 2);
  assert.deepEqual(await owners("data-db-1"), ["other", "db"], "a pod that comes back takes its claim back");
});

test("a set that is deleted without its pods and made again takes them over as they are", async () => {
  await using world = await controllerWorld((ports, informers) => [
    new StatefulSetController(ports, informers),
    new GarbageCollector(ports, new ResourceDirectory(informers.customResourceDefinitions)),
  ]);
  await create(world);
  await playRounds(world, 4);
  await change(world, image("i:2"));
  await playRounds(world, 8);
  const uids = async (): Promise<(string | undefined)[]> => (await listPods(world)).map(({ metadata }) => metadata.uid);
  const before = await uids();
  const revisionNames = async (): Promise<string[]> =>
    (await world.api.list({ resource: controllerRevisions })).items.map(({ metadata }) => metadata.name);
  const names = await revisionNames();
  await world.api.delete(target, { propagationPolicy: "Orphan" });
  await world.clock.settle();
  await assert.rejects(setOf(world));
  const template = { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "c", image: "i:2" }] } };
  await create(world, { template });
  await playRounds(world, 8);
  assert.deepEqual(await uids(), before);
  assert.deepEqual(await revisionNames(), names);
});
