import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clusterObjectSyncs,
  configMaps,
  deviceModels,
  devices,
  nodes,
  type ObjectList,
  type ObjectSync,
  objectSyncs,
  pods,
} from "@skerry/api";
import { settle } from "@skerry/base/testing";
import type { CollectionTarget, KubernetesApi, ListOptions, WatchOptions } from "@skerry/kube";
import { type Message, objectOf } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

function uidOf(message: Message | undefined): string | undefined {
  return message && objectOf(message.content)?.metadata.uid;
}

function withoutVersions(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ \d+$/, ""));
}

const usesSettings = { volumes: [{ name: "v", configMap: { name: "settings" } }] };

test("a pod goes to its node behind what it needs, and each version once", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.connect("edge-1");
  await world.createConfigMap("settings");
  await world.createConfigMap("unused");
  assert.deepEqual(world.hub.take(), ["edgecontroller update null/node/edge-1 1"]);
  await world.createPod("app", { nodeName: "edge-1", ...usesSettings });
  await world.createPod("elsewhere", { nodeName: "edge-2" });
  assert.deepEqual(withoutVersions(world.hub.take()), [
    "edgecontroller insert plant/configmap/settings",
    "edgecontroller update plant/pod/app",
  ]);
  await world.clock.advance(60_000);
  assert.deepEqual(world.hub.take(), []);
});

test("what has changed while a node was away reaches it at once when it is back, and nothing else", async () => {
  await using world = await new CloudWorld().start();
  await world.createConfigMap("settings", { level: "1" });
  await world.createPod("app", { nodeName: "edge-1", ...usesSettings });
  await world.createPod("other", { nodeName: "edge-1" });
  await world.createPod("doomed", { nodeName: "edge-1" });
  await world.connect("edge-1");
  assert.equal(world.hub.take().length, 4);
  await world.controllers.syncController.whenStored();
  world.hub.disconnect("edge-1");
  await world.patch(configMaps, "settings", { data: { level: "2" } });
  await world.delete(pods, "doomed", 0);
  await world.createPod("new", { nodeName: "edge-1" });
  assert.deepEqual(world.hub.take(), []);
  await world.connect("edge-1");
  const messages = withoutVersions(world.hub.take());
  assert.deepEqual(messages.sort(), [
    "edgecontroller delete plant/pod/doomed",
    "edgecontroller update plant/configmap/settings",
    "edgecontroller update plant/pod/new",
  ]);
});

test("what a MetaServer has acknowledged is no proof that the node holds it for its own work", async () => {
  await using world = await new CloudWorld().start();
  world.hub.acknowledges = false;
  await world.connect("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  const [own] = world.hub.takeMessages();
  assert.ok(own);
  world.hub.acknowledge("edge-1", { ...own, route: { ...own.route, source: "dynamiccontroller" } });
  world.hub.disconnect("edge-1");
  await world.connect("edge-1");
  assert.deepEqual(withoutVersions(world.hub.take()), ["edgecontroller update plant/pod/app"]);
});

test("after a restart of CloudCore nodes get only what they have not acknowledged", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("known", { nodeName: "edge-1" });
  const doomed = await world.createPod("doomed", { nodeName: "edge-1" });
  await world.connect("edge-1");
  world.hub.acknowledges = false;
  await world.createPod("unacknowledged", { nodeName: "edge-1" });
  await world.controllers.syncController.whenStored();
  await world.stop();
  await world.delete(pods, "doomed", 0);
  await world.start();
  world.hub.take();
  world.hub.acknowledges = true;
  await world.connect("edge-1");
  const messages = world.hub.takeMessages();
  assert.deepEqual(messages.map(({ route }) => `${route.operation} ${route.resource}`).sort(), [
    "delete plant/pod/doomed",
    "update plant/pod/unacknowledged",
  ]);
  assert.deepEqual(messages.find(({ route }) => route.operation === "delete")?.content, {
    metadata: { name: "doomed", namespace: "plant", uid: doomed.metadata.uid },
  });
});

test("a sync object says which version the node has acknowledged, and goes with the object", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  world.hub.acknowledges = false;
  await world.connect("edge-1");
  const [sync] = await world.stored<ObjectSync>(objectSyncs);
  assert.equal(sync?.metadata.name, `edge-1.${pod.metadata.uid}`);
  assert.deepEqual(sync?.spec, { objectAPIVersion: "v1", objectKind: "Pod", objectName: "app" });
  assert.equal(sync?.status?.objectResourceVersion ?? "0", "0");
  for (const message of world.hub.takeMessages()) world.hub.acknowledge("edge-1", message);
  await settle();
  assert.equal(
    (await world.stored<ObjectSync>(objectSyncs))[0]?.status?.objectResourceVersion,
    pod.metadata.resourceVersion,
  );
  assert.equal((await world.stored(clusterObjectSyncs)).length, 1);
  world.hub.acknowledges = true;
  await world.delete(pods, "app", 0);
  assert.deepEqual(await world.stored(objectSyncs), []);
});

test("a pod is never sent before its sync object exists", async () => {
  let mayCreate = false;
  const refusing = (api: KubernetesApi): KubernetesApi =>
    new Proxy(api, {
      get(target, member) {
        const value: unknown = Reflect.get(target, member);
        if (member !== "create" || typeof value !== "function")
          return typeof value === "function" ? value.bind(target) : value;
        return async (...parameters: Parameters<KubernetesApi["create"]>) => {
          if (parameters[0].resource === objectSyncs && !mayCreate) throw new Error("not now");
          return target.create(...parameters);
        };
      },
    });
  await using world = await new CloudWorld(refusing).start();
  await world.connect("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  await world.clock.advance(5_000);
  assert.deepEqual(world.hub.take(), []);
  mayCreate = true;
  await world.clock.advance(5_000);
  assert.deepEqual(world.hub.take(), ["edgecontroller update plant/pod/app 1"]);
});

test("an object created anew under the same name goes out once the node has let go of the old one", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  const old = await world.createPod("app", { nodeName: "edge-1" });
  world.hub.take();
  world.hub.acknowledges = false;
  await world.delete(pods, "app", 0);
  const renewed = await world.createPod("app", { nodeName: "edge-1" });
  const [deletion, ...rest] = world.hub.takeMessages();
  assert.equal(deletion?.route.operation, "delete");
  assert.equal(uidOf(deletion), old.metadata.uid);
  assert.deepEqual(rest, []);
  assert.ok(deletion);
  world.hub.acknowledge("edge-1", deletion);
  await settle();
  const [creation] = world.hub.takeMessages();
  assert.equal(uidOf(creation), renewed.metadata.uid);
});

test("a CloudCore that starts on a cache from before takes nothing newer away from a node", async () => {
  const cache: { pods: ObjectList | undefined } = { pods: undefined };
  const standingStill = (api: KubernetesApi): KubernetesApi =>
    new Proxy(api, {
      get(target, member) {
        if (member === "list")
          return async (collection: CollectionTarget, options?: ListOptions) =>
            (collection.resource === pods && cache.pods) || target.list(collection, options);
        if (member === "watch")
          return async function* (collection: CollectionTarget, options: WatchOptions) {
            if (collection.resource !== pods || !cache.pods) yield* target.watch(collection, options);
            else await new Promise((resolve) => options.signal?.addEventListener("abort", resolve));
          };
        const value: unknown = Reflect.get(target, member);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  await using world = await new CloudWorld(standingStill).start();
  await world.connect("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  const earlier = await world.memory.list({ resource: pods });
  await world.delete(pods, "app", 0);
  await world.createPod("app", { nodeName: "edge-1" });
  await world.controllers.syncController.whenStored();
  assert.equal((await world.stored(objectSyncs)).length, 1);
  world.hub.take();
  cache.pods = earlier;
  await world.restart();
  await world.connect("edge-1");
  await world.clock.advance(20_000);
  assert.deepEqual(world.hub.take(), []);
});

test("a sync object that somebody deleted brings the object anew", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  world.hub.take();
  await world.delete(objectSyncs, `edge-1.${pod.metadata.uid}`);
  assert.deepEqual(world.hub.take(), ["edgecontroller update plant/pod/app 1"]);
  assert.equal((await world.stored(objectSyncs)).length, 1);
});

test("a sync object without a status counts as none acknowledged (KubeEdge never sends that object again)", async () => {
  await using world = await new CloudWorld().start();
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  await world.create(objectSyncs, {
    metadata: { name: `edge-1.${pod.metadata.uid}`, namespace: "plant" },
    spec: { objectAPIVersion: "v1", objectKind: "Pod", objectName: "app" },
  });
  await world.connect("edge-1");
  assert.deepEqual(world.hub.take(), ["edgecontroller update plant/pod/app 1"]);
});

test("a repaired device comes from the DeviceController (KubeEdge sends it as EdgeController and it goes unheard)", async () => {
  await using world = await new CloudWorld().start();
  await world.createModel("thermometer", "temperature");
  await world.createDevice("thermo", { nodeName: "edge-1", deviceModelRef: { name: "thermometer" } });
  await world.connect("edge-1");
  world.hub.take();
  world.hub.disconnect("edge-1");
  await world.patch(devices, "thermo", { spec: { properties: [{ name: "temperature", desired: { value: "20" } }] } });
  await world.patch(deviceModels, "thermometer", { spec: { protocol: "modbus" } });
  await world.connect("edge-1");
  assert.deepEqual(withoutVersions(world.hub.take()), [
    "devicecontroller update plant/devicemodel/thermometer",
    "devicecontroller update plant/device/thermo",
  ]);
});

test("what a node was given in an answer is taken from it again, although nobody heard that it arrived", async () => {
  await using world = await new CloudWorld().start();
  await world.createConfigMap("settings");
  await world.connect("edge-1");
  const [answer] = await world.ask("edge-1", "query", "plant/configmap/settings");
  assert.ok(answer?.resourceVersion);
  assert.equal((await world.stored(objectSyncs)).length, 1);
  await world.restart();
  await world.connect("edge-1");
  await world.clock.advance(5000);
  assert.deepEqual(withoutVersions(world.hub.take()), ["edgecontroller delete plant/configmap/settings"]);
});

test("an EdgeCore that starts anew gets everything again: it may have lost its database", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  await world.createDevice("thermo", { nodeName: "edge-1" });
  world.hub.disconnect("edge-1");
  world.hub.take();
  await world.connect("edge-1");
  assert.deepEqual(world.hub.take(), [], "a new session alone sends nothing");
  await world.ask("edge-1", "insert", "null/node/edge-1", { metadata: { name: "edge-1" } });
  assert.deepEqual(withoutVersions(world.hub.take()), [
    "edgecontroller update plant/pod/app",
    "devicecontroller update membership",
    "devicecontroller insert plant/device/thermo",
    "edgecontroller update null/node/edge-1",
  ]);
});

test("a node's own heartbeat does not come back to it, a changed condition does", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.connect("edge-1");
  const ready = (status: string, lastHeartbeatTime: string): object => ({
    status: { conditions: [{ type: "Ready", status, lastHeartbeatTime }] },
  });
  await world.patch(nodes, "edge-1", ready("True", "2026-01-01T00:00:00Z") as never, "status");
  assert.equal(world.hub.take().length, 2);
  await world.patch(nodes, "edge-1", ready("True", "2026-01-01T00:00:10Z") as never, "status");
  await world.clock.advance(10_000);
  assert.deepEqual(world.hub.take(), []);
  await world.patch(nodes, "edge-1", ready("Unknown", "2026-01-01T00:00:10Z") as never, "status");
  assert.equal(world.hub.take().length, 1);
});

test("sync objects of a node that is gone for ten minutes are removed", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  await world.connect("edge-1");
  world.hub.disconnect("edge-1");
  await world.delete(nodes, "edge-1");
  await world.clock.advance(300_000);
  assert.equal((await world.stored(objectSyncs)).length, 1);
  await world.clock.advance(310_000);
  assert.deepEqual(await world.stored(objectSyncs), []);
});

test("only the leader among the CloudCores removes them, ten minutes after it began to lead at the earliest", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  await world.connect("edge-1");
  world.hub.disconnect("edge-1");
  world.isLeader = false;
  await world.delete(nodes, "edge-1");
  await world.clock.advance(1_200_000);
  assert.equal((await world.stored(objectSyncs)).length, 1);
  world.isLeader = true;
  await world.clock.advance(590_000);
  assert.equal((await world.stored(objectSyncs)).length, 1);
  await world.clock.advance(20_000);
  assert.deepEqual(await world.stored(objectSyncs), []);
});

test("what another CloudCore removes from the account of a node that is connected there is forgotten here", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createPod("app", { nodeName: "edge-1" });
  await world.connect("edge-1");
  world.hub.disconnect("edge-1");
  world.hub.take();
  const [record] = await world.stored(objectSyncs);
  await world.delete(pods, "app", 0);
  await world.delete(objectSyncs, record?.metadata.name ?? "");
  // Were it still on the account, the node would be told of the deletion once more.
  await world.connect("edge-1");
  assert.deepEqual(
    world.hub.take().filter((line) => line.includes("pod/app")),
    [],
  );
});
