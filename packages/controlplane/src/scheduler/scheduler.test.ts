import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Event,
  events,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../controllers/testing/controller-world.ts";
import { Scheduler } from "./scheduler.ts";

const start = (): Promise<ControllerWorld> => controllerWorld((ports, informers) => [new Scheduler(ports, informers)]);
const addNode = (world: ControllerWorld, name: string, podLimit = "110"): Promise<Node> =>
  world.api.create<Node>(
    { resource: nodes },
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "kubernetes.io/hostname": name } },
      spec: {},
      status: { allocatable: { cpu: "2", memory: "1Gi", pods: podLimit } },
    },
  );
const addPod = (world: ControllerWorld, name: string, spec: Partial<Pod["spec"]> = {}): Promise<Pod> =>
  world.api.create<Pod>(
    { resource: pods, namespace: "default" },
    { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "c" }], ...spec } },
  );
const get = (world: ControllerWorld, name: string): Promise<Pod> =>
  world.api.get<Pod>({ resource: pods, namespace: "default", name });

test("a pod is bound and told so", async () => {
  await using world = await start();
  await addNode(world, "edge-1");
  await addPod(world, "a", { nodeSelector: { "kubernetes.io/hostname": "edge-1" } });
  await world.clock.settle();
  assert.equal((await get(world, "a")).spec.nodeName, "edge-1");
  const [event] = (await world.api.list<Event>({ resource: events })).items;
  assert.equal(event?.message, "Successfully assigned default/a to edge-1");
});

test("a pod that fits nowhere says why, and is bound when a node comes that fits", async () => {
  await using world = await start();
  await addNode(world, "other");
  await addPod(world, "a", { nodeSelector: { "kubernetes.io/hostname": "edge-1" } });
  await world.clock.settle();
  const condition = (await get(world, "a")).status?.conditions?.find(({ type }) => type === "PodScheduled");
  assert.equal(condition?.reason, "Unschedulable");
  assert.equal(
    condition?.message,
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
  );
  const told = (await world.api.list<Event>({ resource: events })).items;
  assert.deepEqual(
    told.map(({ reason, type }) => `${type} ${reason}`),
    ["Warning FailedScheduling"],
  );
  await addNode(world, "edge-1");
  await world.clock.settle();
  assert.equal((await get(world, "a")).spec.nodeName, "edge-1");
});

test("pods scheduled faster than the cache follows do not overfill a node", async () => {
  await using world = await start();
  await addNode(world, "a", "2");
  await world.clock.settle();
  for (const name of ["1", "2", "3"]) await addPod(world, name);
  await world.clock.settle();
  const bound = (await world.api.list<Pod>({ resource: pods })).items.filter(({ spec }) => spec.nodeName);
  assert.equal(bound.length, 2);
  await world.api.delete(
    { resource: pods, namespace: "default", name: bound[0]?.metadata.name ?? "" },
    { gracePeriodSeconds: 0 },
  );
  await world.clock.settle();
  const now = (await world.api.list<Pod>({ resource: pods })).items.filter(({ spec }) => spec.nodeName);
  assert.equal(now.length, 2);
});

test("the most important of the pods that wait is placed first, whichever came first", async () => {
  await using world = await start();
  for (const [name, priority] of [
    ["first", 0],
    ["important", 1000],
    ["low", -5],
    ["second", 0],
  ] as const)
    await addPod(world, name, { priority, preemptionPolicy: "Never" });
  await world.clock.settle();
  await addNode(world, "a", "2");
  await world.clock.settle();
  const bound = (await world.api.list<Pod>({ resource: pods })).items.filter(({ spec }) => spec.nodeName);
  assert.deepEqual(bound.map(({ metadata }) => metadata.name).sort(), ["first", "important"]);
});

test("pods of other schedulers, gated and deleted ones are left alone", async () => {
  await using world = await start();
  await addNode(world, "a");
  await addPod(world, "foreign", { schedulerName: "mine" });
  await addPod(world, "gated", { schedulingGates: [{ name: "x" }] } as Partial<Pod["spec"]>);
  await world.clock.settle();
  for (const name of ["foreign", "gated"]) assert.equal((await get(world, name)).spec.nodeName, undefined);
});

test("an important pod gets the place of a less important one, which is told who took it", async () => {
  await using world = await start();
  await addNode(world, "a", "1");
  await addPod(world, "low", { priority: 1 });
  await world.clock.settle();
  await addPod(world, "high", { priority: 10 });
  await world.clock.settle();
  assert.equal(nominated(await get(world, "high")), "a");
  const low = await get(world, "low");
  assert.notEqual(low.metadata.deletionTimestamp, undefined);
  assert.ok(
    low.status?.conditions?.some(
      ({ type, reason }) => `${type} ${reason}` === "DisruptionTarget PreemptionByScheduler",
    ),
  );
  const told = (await world.api.list<Event>({ resource: events })).items.find(({ reason }) => reason === "Preempted");
  assert.equal(told?.message, `Preempted by pod ${(await get(world, "high")).metadata.uid} on node a`);
  await addPod(world, "late", { priority: 5 });
  await world.api.delete({ resource: pods, namespace: "default", name: "low" }, { gracePeriodSeconds: 0 });
  await world.clock.settle();
  assert.equal((await get(world, "high")).spec.nodeName, "a");
  assert.equal((await get(world, "late")).spec.nodeName, undefined);
});

const nominated = ({ status }: Pod): unknown =>
  (status as { nominatedNodeName?: string } | undefined)?.nominatedNodeName;

const claim: PersistentVolumeClaim = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], storageClassName: "local", resources: { requests: { storage: "1Gi" } } },
  status: { phase: "Pending" },
};
const localClass: StorageClass = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "local" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
};
const volumeOn = (nodeName: string): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: `disk-${nodeName}` },
  spec: {
    capacity: { storage: "2Gi" },
    accessModes: ["ReadWriteOnce"],
    storageClassName: "local",
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [nodeName] }] },
        ],
      },
    },
  },
  status: { phase: "Available" },
});
const withClaim = { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] };
const messageOf = async (world: ControllerWorld, name: string): Promise<string> =>
  (await get(world, name)).status?.conditions?.find(({ type }) => type === "PodScheduled")?.message ?? "";

test("a pod goes where a local volume for its claim is, and the volume is set aside for it", async () => {
  await using world = await start();
  for (const name of ["a", "b"]) await addNode(world, name);
  await addPod(world, "p", withClaim);
  await world.clock.settle();
  assert.match(
    await messageOf(world, "p"),
    /^0\/2 nodes are available: persistentvolumeclaim "data" not found\. preemption/,
  );
  await world.api.create({ resource: storageClasses }, localClass);
  await world.api.create({ resource: persistentVolumeClaims, namespace: "default" }, claim);
  await world.clock.settle();
  assert.match(await messageOf(world, "p"), /2 node\(s\) didn't find available persistent volumes to bind/);
  await world.api.create({ resource: persistentVolumes }, volumeOn("b"));
  await world.clock.settle();
  const volume = await world.api.get<PersistentVolume>({ resource: persistentVolumes, name: "disk-b" });
  assert.equal(volume.spec.claimRef?.name, "data");
  const bound = { spec: { volumeName: "disk-b" }, status: { phase: "Bound" } };
  const target = { resource: persistentVolumeClaims, namespace: "default", name: "data" };
  await world.api.patch(target, { type: "merge", body: { spec: bound.spec } });
  await world.api.patch({ ...target, subresource: "status" }, { type: "merge", body: { status: bound.status } });
  await world.clock.settle();
  assert.equal((await get(world, "p")).spec.nodeName, "b");
});

test("where volumes are made on demand the claim is told the node, and an immediate claim must be bound first", async () => {
  await using world = await start();
  await addNode(world, "a");
  await world.api.create({ resource: storageClasses }, { ...localClass, provisioner: "example.org/disks" });
  await world.api.create({ resource: persistentVolumeClaims, namespace: "default" }, claim);
  await addPod(world, "p", withClaim);
  await world.clock.settle();
  const target = { resource: persistentVolumeClaims, namespace: "default", name: "data" };
  const told = await world.api.get(target);
  assert.equal(told.metadata.annotations?.["volume.kubernetes.io/selected-node"], "a");
  await using other = await start();
  await addNode(other, "a");
  await other.api.create({ resource: storageClasses }, { ...localClass, volumeBindingMode: "Immediate" });
  await other.api.create({ resource: persistentVolumeClaims, namespace: "default" }, claim);
  await addPod(other, "p", withClaim);
  await other.clock.settle();
  assert.match(await messageOf(other, "p"), /pod has unbound immediate PersistentVolumeClaims/);
});
