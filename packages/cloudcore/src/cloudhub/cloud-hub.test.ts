import assert from "node:assert/strict";
import { test } from "node:test";
import { leases, nodes } from "@skerry/api";
import { type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { ApiError, failureStatus } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import {
  acknowledgementOf,
  errorStatusOf,
  keepaliveMessage,
  type Message,
  newMessage,
  outboxMessageId,
} from "@skerry/link";
import { CloudHub, type CloudHubOptions } from "./cloud-hub.ts";
import type { Reply, SessionEvent } from "./cloud-hub-port.ts";
import type { NodeObjects } from "./node-objects.ts";
import { ScriptedListener } from "./testing/scripted-edge.ts";

/** Pods and the like belong to a node when their name begins with the node's. */
const ownByName: NodeObjects = {
  ownsPod: (nodeName, { name }) => name.startsWith(nodeName),
  mayReadConfigMap: (nodeName, { name }) => name.startsWith(nodeName),
  mayReadSecret: (nodeName, { name }) => name.startsWith(nodeName),
  mayUseServiceAccount: () => false,
  mayReadPersistentVolumeClaim: () => false,
  mayReadPersistentVolume: () => false,
  ownsDevice: (nodeName, { name }) => name.startsWith(nodeName),
};

interface World {
  readonly hub: CloudHub;
  readonly clock: ManualClock;
  readonly listener: ScriptedListener;
  readonly api: MemoryKubernetesApi;
  readonly events: SessionEvent[];
  readonly delivered: Message[];
  /** What the handlers were given, as `<handler> <node> <resource>`. */
  readonly handled: string[];
  stamp(route: Message["route"], content?: JsonValue, resourceVersion?: string): Message;
}

async function world(
  options: Partial<CloudHubOptions> = {},
  handle: (message: Message, reply: Reply) => Promise<void> = () => Promise.resolve(),
  nodeObjects: NodeObjects = ownByName,
): Promise<World> {
  const clock = new ManualClock(1_000_000);
  const random = new SeededRandom(1);
  const listener = new ScriptedListener();
  const api = new MemoryKubernetesApi();
  const hub = new CloudHub({ listen: listener.listen, api, clock, random, logger: silentLogger, ...options });
  const events: SessionEvent[] = [];
  const delivered: Message[] = [];
  const handled: string[] = [];
  hub.onSession((event) => events.push(event));
  hub.onDelivered(({ message }) => delivered.push(message));
  const handler = (name: string) => ({
    handle: async (nodeName: string, message: Message, reply: Reply): Promise<void> => {
      handled.push(`${name} ${nodeName} ${message.route.resource}`);
      await handle(message, reply);
    },
  });
  await hub.start({ edgeController: handler("edge"), deviceController: handler("device") }, nodeObjects);
  return {
    hub,
    clock,
    listener,
    api,
    events,
    delivered,
    handled,
    stamp: (route, content = null, resourceVersion) =>
      newMessage({ clock, random }, route, content, resourceVersion ? { resourceVersion } : {}),
  };
}

function podUpdate(name: string, version: string, { stamp }: World): Message {
  const route = { source: "edgecontroller", group: "resource", operation: "update", resource: `default/pod/${name}` };
  return stamp(route, { metadata: { name, uid: name } }, version);
}

function patch(resource: string, { stamp }: World): Message {
  return stamp({ source: "edged", group: "meta", operation: "patch", resource }, "{}");
}

test("a node connects, is told of objects, acknowledges, and is known to be gone afterwards", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  assert.deepEqual([...cloud.hub.connectedNodes], ["edge-1"]);
  const message = podUpdate("web", "7", cloud);
  assert.equal(cloud.hub.deliver("edge-1", message), true);
  assert.deepEqual(edge.received, [message]);
  edge.send(acknowledgementOf({ clock: cloud.clock, random: new SeededRandom(2) }, message));
  assert.deepEqual(cloud.delivered, [message]);
  edge.break();
  assert.deepEqual(cloud.events, [
    { kind: "opened", nodeName: "edge-1" },
    { kind: "closed", nodeName: "edge-1", reason: "connection reset by peer" },
  ]);
  assert.equal(cloud.hub.deliver("edge-1", message), false);
});

test("a connection that calls itself another node than its certificate says is closed with the reason", async () => {
  const cloud = await world();
  for (const headers of [{ node_id: "edge-2" }, {}]) {
    const edge = cloud.listener.connect("edge-1", headers);
    assert.equal(edge.closed?.code, 1008);
    assert.match(edge.closed?.reason ?? "", /CLOUDHUB_NODE_ID_MISMATCH/);
  }
  assert.deepEqual(cloud.events, []);
});

test("the newer of two connections of a node wins, and the older one's end does not touch it", async () => {
  const cloud = await world();
  const older = cloud.listener.connect("edge-1");
  const newer = cloud.listener.connect("edge-1");
  assert.match(older.closed?.reason ?? "", /newer connection/);
  older.break();
  older.send(patch("default/podpatch/edge-1-web", cloud));
  assert.deepEqual([...cloud.hub.connectedNodes], ["edge-1"]);
  assert.deepEqual(
    cloud.events.map(({ kind }) => kind),
    ["opened", "closed", "opened"],
  );
  cloud.hub.deliver("edge-1", podUpdate("web", "7", cloud));
  assert.equal(newer.received.length, 1);
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, []);
});

test("messages of an older session that still wait for their turn are refused", async () => {
  let release = (): void => {};
  const cloud = await world({}, () => new Promise((resolve) => (release = resolve)));
  const older = cloud.listener.connect("edge-1");
  older.send(patch("default/podpatch/edge-1-a", cloud));
  older.send(patch("default/podpatch/edge-1-b", cloud));
  await cloud.clock.settle();
  cloud.listener.connect("edge-1");
  release();
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, ["edge edge-1 default/podpatch/edge-1-a"]);
});

test("messages of a node that has a newer session at another CloudCore are dropped, and its session ends", async () => {
  const cloud = await world({ replica: "a" });
  const nodeOptions = { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } };
  await cloud.api.create({ resource: nodes }, nodeOptions);
  const edge = cloud.listener.connect("edge-1");
  await cloud.clock.settle();
  const target = { resource: leases, namespace: "kubeedge", name: "session.edge-1" };
  const body = { metadata: { annotations: { "skerry.io/cloudcore": "b" } }, spec: { leaseTransitions: 2 } };
  await cloud.api.patch(target, { type: "merge", body });
  await cloud.clock.advance(1_000);
  edge.send(patch("default/podpatch/edge-1-a", cloud));
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, []);
  assert.match(edge.closed?.reason ?? "", /another CloudCore/);
  assert.equal(await cloud.hub.mayWrite("edge-1"), "over");
});

test("a message that no API server confirms the right to is refused for now, and handled when it comes again", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  await cloud.clock.advance(1_000);
  const get = cloud.api.get.bind(cloud.api);
  cloud.api.get = () => Promise.reject(new ApiError(failureStatus(503, "ServiceUnavailable", "down")));
  edge.send(patch("default/podpatch/edge-1-a", cloud));
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, []);
  assert.match(JSON.stringify(edge.received.at(-1)?.content), /"code":503/);
  cloud.api.get = get;
  edge.send(patch("default/podpatch/edge-1-a", cloud));
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, ["edge edge-1 default/podpatch/edge-1-a"]);
});

test("no more nodes than the limit are let in, but a known one may come again", async () => {
  const cloud = await world({ nodeLimit: 1 });
  cloud.listener.connect("edge-1");
  const refused = cloud.listener.connect("edge-2");
  assert.equal(refused.closed?.code, 1013);
  assert.equal(cloud.listener.connect("edge-1").closed, undefined);
});

test("a node's messages are handled one after the other, and a slow handler stops its reading, not the others'", async () => {
  const releases: (() => void)[] = [];
  const cloud = await world({}, (message) =>
    message.route.resource?.includes("edge-1") ? new Promise((resolve) => releases.push(resolve)) : Promise.resolve(),
  );
  const slow = cloud.listener.connect("edge-1");
  const quick = cloud.listener.connect("edge-2");
  for (let index = 0; index < 80; index++) slow.send(patch(`default/podpatch/edge-1-${index}`, cloud));
  quick.send(patch("default/podpatch/edge-2-a", cloud));
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, ["edge edge-1 default/podpatch/edge-1-0", "edge edge-2 default/podpatch/edge-2-a"]);
  assert.equal(slow.paused, true);
  for (const minute of [1, 2, 3]) {
    quick.send(keepaliveMessage({ clock: cloud.clock, random: new SeededRandom(minute) }));
    await cloud.clock.advance(9_000);
  }
  assert.equal(slow.closed, undefined, "silence is not held against a node that is not read");
  for (let index = 0; index < 80; index++) {
    releases.shift()?.();
    await cloud.clock.settle();
  }
  assert.equal(slow.paused, false);
  assert.deepEqual(
    cloud.handled.filter((line) => line.includes("edge-1")),
    Array.from({ length: 80 }, (_, index) => `edge edge-1 default/podpatch/edge-1-${index}`),
  );
});

test("a handler's answer goes to the node with the request's id; device answers have the resource twin", async () => {
  const cloud = await world({}, (_message, reply) => {
    reply("OK", { resourceVersion: "9" });
    return Promise.resolve();
  });
  const edge = cloud.listener.connect("edge-1");
  const request = patch("default/podpatch/edge-1-web", cloud);
  const report = cloud.stamp(
    {
      source: "twin",
      group: "resource",
      operation: "update",
      resource: "device/default/edge-1-thermo/twin/edge_updated",
    },
    {},
  );
  edge.send(request);
  edge.send(report);
  await cloud.clock.settle();
  assert.deepEqual(
    edge.received.map(({ header, route }) => [header.parent_msg_id, header.resourceversion, route]),
    [
      [
        request.header.msg_id,
        "9",
        { source: "edgecontroller", group: "resource", operation: "response", resource: "default/podpatch/edge-1-web" },
      ],
      [
        report.header.msg_id,
        "9",
        { source: "devicecontroller", group: "twin", operation: "response", resource: "twin" },
      ],
    ],
  );
});

test("what is not the node's own is answered with Forbidden in the form that the request's kind has", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  const query = (resource: string): Message =>
    cloud.stamp({ source: "edged", group: "meta", operation: "query", resource });
  const requests = [
    patch("default/podpatch/other-web", cloud),
    query("default/secret/other"),
    query("kube-system/serviceaccounttoken/admin"),
    patch("null/nodepatch/edge-2", cloud),
    cloud.stamp({ source: "twin", group: "resource", operation: "update", resource: "device/default/x/state/update" }),
  ];
  for (const request of requests) edge.send(request);
  await cloud.clock.settle();
  assert.deepEqual(cloud.handled, []);
  assert.deepEqual(
    edge.received.map(({ content }) => errorStatusOf(content)?.reason),
    requests.map(() => "Forbidden"),
  );
  assert.deepEqual(
    edge.received.map(({ content }) => Object.keys(content as object)[0]),
    ["Object", "ErrStatus", "ErrStatus", "Object", "ErrStatus"],
  );
});

test("the Kubernetes authority is answered, messages that pretend to be the cloud's are ignored", async () => {
  const cloud = await world({ kubernetesAuthorityPem: "PEM" });
  const edge = cloud.listener.connect("edge-1");
  edge.send(cloud.stamp({ source: "metamanager", group: "meta", operation: "query", resource: "k8s/ca.crt" }));
  edge.send(
    cloud.stamp({ source: "edgecontroller", group: "meta", operation: "update", resource: "null/node/edge-1" }),
  );
  edge.send(cloud.stamp({ source: "bus", group: "user", operation: "upload", resource: "topic" }, "x"));
  const volume = { source: "cloudhub", group: "resource", operation: "response", resource: "default/volume/v-1" };
  edge.send(cloud.stamp(volume, { volume: {} }));
  await cloud.clock.settle();
  assert.deepEqual(
    edge.received.map(({ route, content }) => [route.source, route.resource, content]),
    [["cloudhub", "k8s/ca.crt", "PEM"]],
  );
  assert.deepEqual(cloud.handled, []);
});

test("a report on a job that nobody takes is refused to whom waits for it, and else dropped", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  const resource = "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/edge-1";
  const route = { source: "websocket", group: "hub", operation: "UpdateNodeActionStatus", resource };
  edge.send(cloud.stamp(route, { action: "Check", succ: true }));
  edge.send(cloud.stamp({ ...route, operation: "prepull", resource: "task/t/node/edge-1" }, { Event: "Check" }));
  const waiting = cloud.stamp(route, { action: "Check", succ: true });
  waiting.header.msg_id = outboxMessageId("00000000-0000-4000-8000-000000000000", 1);
  edge.send(waiting);
  await cloud.clock.settle();
  assert.deepEqual(
    edge.received.map(({ header, content }) => [header.parent_msg_id, errorStatusOf(content)?.reason]),
    [[waiting.header.msg_id, "MethodNotAllowed"]],
  );
  assert.deepEqual(cloud.handled, []);
});

test("an event that the node may not write is refused to whom waits for it, and else dropped", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  const route = { source: "edged", group: "meta", operation: "insert", resource: "default/event/edge-2.17" };
  const event = { involvedObject: { kind: "Node", name: "edge-2" } };
  edge.send(cloud.stamp(route, event));
  const waiting = cloud.stamp(route, event);
  waiting.header.msg_id = outboxMessageId("00000000-0000-4000-8000-000000000000", 1);
  edge.send(waiting);
  await cloud.clock.settle();
  assert.deepEqual(
    edge.received.map(({ header, content }) => [header.parent_msg_id, errorStatusOf(content)?.reason]),
    [[waiting.header.msg_id, "Forbidden"]],
  );
});

test("a frame that is no message ends only its own session", async () => {
  const cloud = await world();
  const bad = cloud.listener.connect("edge-1");
  const good = cloud.listener.connect("edge-2");
  bad.sendText("{");
  assert.equal(bad.closed?.code, 1002);
  assert.equal(good.closed, undefined);
});

test("a node without keepalives is pinged, then given up; one with keepalives stays", async () => {
  const cloud = await world();
  const silent = cloud.listener.connect("edge-1");
  const lively = cloud.listener.connect("edge-2");
  for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 5_000) {
    if (elapsedMs % 15_000 === 0)
      lively.send(keepaliveMessage({ clock: cloud.clock, random: new SeededRandom(elapsedMs) }));
    lively.alive();
    await cloud.clock.advance(5_000);
  }
  assert.equal(silent.pingCount, 1);
  assert.match(silent.closed?.reason ?? "", /no answer to a ping/);
  assert.equal(lively.closed, undefined);
});

test("while the transport holds back too much nothing more is sent", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  edge.bufferedBytes = 5 * 1024 * 1024;
  cloud.hub.deliver("edge-1", podUpdate("a", "1", cloud));
  cloud.hub.deliver("edge-1", podUpdate("b", "1", cloud));
  assert.equal(edge.received.length, 1);
  edge.bufferedBytes = 0;
  await cloud.clock.advance(100);
  assert.equal(edge.received.length, 2);
});

test("the Node object says which CloudCore holds the session; a node that is not registered yet is no trouble", async () => {
  const cloud = await world({ advertisedAddress: "192.0.2.2" });
  await cloud.api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
  cloud.listener.connect("edge-1");
  cloud.listener.connect("edge-2");
  await cloud.clock.settle();
  const node = await cloud.api.get({ resource: nodes, name: "edge-1" });
  assert.equal(node.metadata.annotations?.["cloudcore"], "192.0.2.2");
});

test("a Node that says so already is not written, unless what is known of it was old", async () => {
  let known: string | undefined = "192.0.2.2";
  const objects = { ...ownByName, sessionAddressOf: () => known };
  const cloud = await world({ advertisedAddress: "192.0.2.2" }, undefined, objects);
  const target = { resource: nodes, name: "edge-1" };
  await cloud.api.create(target, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
  const address = async (): Promise<string | undefined> =>
    (await cloud.api.get(target)).metadata.annotations?.["cloudcore"];
  cloud.listener.connect("edge-1");
  await cloud.clock.advance(15_000);
  assert.equal(await address(), undefined, "it was left alone");
  cloud.listener.connect("edge-1");
  known = "192.0.2.3";
  await cloud.clock.advance(15_000);
  assert.equal(await address(), "192.0.2.2");
});

test("stopping closes all sessions", async () => {
  const cloud = await world();
  const edge = cloud.listener.connect("edge-1");
  await cloud.hub[Symbol.asyncDispose]();
  assert.deepEqual(edge.closed, { code: 1001, reason: "CloudCore is stopping" });
  assert.deepEqual(
    cloud.events.map(({ kind }) => kind),
    ["opened", "closed"],
  );
});
