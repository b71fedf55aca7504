import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, events, type Node, nodes, type Pod, pods } from "@skerry/api";
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
  assert.equal(condition?.message, "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
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

test("pods of other schedulers, gated and deleted ones are left alone", async () => {
  await using world = await start();
  await addNode(world, "a");
  await addPod(world, "foreign", { schedulerName: "mine" });
  await addPod(world, "gated", { schedulingGates: [{ name: "x" }] } as Partial<Pod["spec"]>);
  await world.clock.settle();
  for (const name of ["foreign", "gated"]) assert.equal((await get(world, name)).spec.nodeName, undefined);
});
