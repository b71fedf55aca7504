import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ControllerRevision,
  controllerRevisions,
  type DaemonSet,
  daemonSets,
  type Node,
  nodes,
  type Taint,
} from "@skerry/api";
import { GarbageCollector } from "../garbagecollector/garbage-collector.ts";
import { ResourceDirectory } from "../resource-directory.ts";
import { type ControllerWorld, controllerWorld, playKubelet } from "../testing/controller-world.ts";
import { ended, listPods, setPodStatus } from "../testing/pod-states.ts";
import { nodeNameOf } from "./daemon-placement.ts";
import { DaemonSetController } from "./daemon-set-controller.ts";

const target = { resource: daemonSets, namespace: "default", name: "agent" };

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new DaemonSetController(ports, informers)]);

async function addNode(world: ControllerWorld, name: string, taints: Taint[] = [], labels = {}): Promise<void> {
  const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name, labels }, spec: { taints } };
  await world.api.create({ resource: nodes }, node);
  await world.clock.settle();
}

async function create(world: ControllerWorld, spec: Partial<DaemonSet["spec"]> = {}): Promise<void> {
  const set: DaemonSet = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: { metadata: { labels: { app: "agent" } }, spec: { containers: [{ name: "c", image: "i:1" }] } },
      ...spec,
    },
  };
  await world.api.create({ resource: daemonSets, namespace: "default" }, set);
  await world.clock.settle();
}

const setOf = (world: ControllerWorld): Promise<DaemonSet> => world.api.get<DaemonSet>(target);
/** `node image` of each living daemon. */
const daemons = async (world: ControllerWorld): Promise<string[]> =>
  (await listPods(world))
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map((pod) => `${nodeNameOf(pod)} ${pod.spec.containers[0]?.image}`)
    .sort();
async function rollOut(world: ControllerWorld, image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
  await world.api.patch(target, { type: "merge", body });
  await world.clock.settle();
}

test("each node gets one daemon, also one that comes later, and the status counts them", async () => {
  await using world = await start();
  await addNode(world, "a");
  await create(world);
  assert.deepEqual(await daemons(world), ["a i:1"]);
  await addNode(world, "b");
  assert.deepEqual(await daemons(world), ["a i:1", "b i:1"]);
  await playKubelet(world);
  assert.deepEqual((await setOf(world)).status, {
    currentNumberScheduled: 2,
    numberMisscheduled: 0,
    desiredNumberScheduled: 2,
    numberReady: 2,
    observedGeneration: 1,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
  });
});

test("a taint of edge nodes keeps a cloud's daemons away, and those that tolerate it come", async () => {
  await using world = await start();
  await addNode(world, "cloud");
  await addNode(world, "edge", [{ key: "node-role.kubernetes.io/edge", effect: "NoSchedule" }]);
  await create(world);
  assert.deepEqual(await daemons(world), ["cloud i:1"]);
  const tolerations = [{ key: "node-role.kubernetes.io/edge", operator: "Exists" }];
  await world.api.patch(target, { type: "merge", body: { spec: { template: { spec: { tolerations } } } } });
  await world.clock.settle();
  assert.equal((await setOf(world)).status?.desiredNumberScheduled, 2);
});

test("a node that no longer matches loses its daemon; one that is unreachable keeps it", async () => {
  await using world = await start();
  await addNode(world, "a", [], { edge: "yes" });
  await addNode(world, "b", [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }], { edge: "yes" });
  await addNode(world, "c");
  await create(world, {
    template: {
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "c", image: "i:1" }], nodeSelector: { edge: "yes" } },
    },
  });
  assert.deepEqual(await daemons(world), ["a i:1", "b i:1"]);
  await world.api.patch(
    { resource: nodes, name: "a" },
    { type: "merge", body: { metadata: { labels: { edge: null } } } },
  );
  await world.clock.settle();
  assert.deepEqual(await daemons(world), ["b i:1"]);
});

test("an update replaces one daemon after the other and leaves the old version in the history", async () => {
  await using world = await start();
  for (const name of ["a", "b", "c"]) await addNode(world, name);
  await create(world);
  await playKubelet(world);
  await rollOut(world, "i:2");
  for (let round = 0; round < 12; round++) {
    const running = await daemons(world);
    const { numberUnavailable = 0 } = (await setOf(world)).status ?? {};
    assert.ok(numberUnavailable <= 1, `${numberUnavailable} unavailable`);
    if (running.length === 3 && running.every((each) => each.endsWith("i:2"))) break;
    await playKubelet(world);
  }
  await playKubelet(world);
  assert.deepEqual(await daemons(world), ["a i:2", "b i:2", "c i:2"]);
  assert.equal((await setOf(world)).status?.updatedNumberScheduled, 3);
  const { items } = await world.api.list<ControllerRevision>({ resource: controllerRevisions });
  assert.deepEqual(items.map(({ revision }) => revision).sort(), [1, 2]);
  await rollOut(world, "i:1");
  const again = await world.api.list<ControllerRevision>({ resource: controllerRevisions });
  assert.deepEqual(again.items.map(({ revision }) => revision).sort(), [2, 3]);
});

test("with a surge the new daemon comes before the old one goes", async () => {
  await using world = await start();
  await addNode(world, "a");
  await create(world, { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  await playKubelet(world);
  await rollOut(world, "i:2");
  assert.deepEqual(await daemons(world), ["a i:1", "a i:2"]);
  await playKubelet(world);
  await playKubelet(world);
  assert.deepEqual(await daemons(world), ["a i:2"]);
});

test("OnDelete leaves old daemons alone until somebody deletes them", async () => {
  await using world = await start();
  await addNode(world, "a");
  await create(world, { updateStrategy: { type: "OnDelete" } });
  await playKubelet(world);
  await rollOut(world, "i:2");
  await world.clock.advance(60_000);
  assert.deepEqual(await daemons(world), ["a i:1"]);
});

test("a daemon that has ended is replaced, but not again and again", async () => {
  await using world = await start();
  await addNode(world, "a");
  await create(world);
  const names = new Set<string>();
  for (let round = 0; round < 20; round++) {
    for (const pod of await listPods(world)) {
      names.add(pod.metadata.name);
      if (!pod.metadata.deletionTimestamp) await setPodStatus(world, pod, ended(world, 1));
    }
    await playKubelet(world);
    await world.clock.advance(1_000);
  }
  assert.ok(names.size >= 2 && names.size <= 4, `${names.size} daemons`);
});

for (const isLate of [false, true])
  test(`a set that is deleted without its daemons and made again takes them over as they are${isLate ? ", also with the cache of revisions late" : ""}`, async () => {
    await using world = await controllerWorld((ports, informers) => [
      new DaemonSetController(ports, informers),
      new GarbageCollector(ports, new ResourceDirectory(informers.customResourceDefinitions)),
    ]);
    await addNode(world, "a");
    await create(world);
    await playKubelet(world);
    const uids = async (): Promise<(string | undefined)[]> =>
      (await listPods(world)).map(({ metadata }) => metadata.uid);
    const before = await uids();
    if (isLate) world.api.holdWatches(controllerRevisions);
    await world.api.delete(target, { propagationPolicy: "Orphan" });
    await world.clock.settle();
    await assert.rejects(setOf(world));
    await create(world);
    for (let round = 0; round < 4; round++) await playKubelet(world);
    assert.deepEqual(await uids(), before);
  });
