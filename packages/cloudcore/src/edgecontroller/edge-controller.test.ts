import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, type Event, events, leases, type Node, nodes, type Pod, pods } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { errorStatusOf, objectOf, outboxMessageId } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

function reasonOf(replies: readonly { content: JsonValue }[]): string | undefined {
  assert.equal(replies.length, 1);
  return errorStatusOf(replies[0]?.content ?? null)?.reason;
}

test("a node registers, and a second time hears that it exists", async () => {
  await using world = await new CloudWorld().start();
  const content = {
    metadata: {
      name: "edge-1",
      labels: { "node-role.kubernetes.io/edge": "", "node-restriction.kubernetes.io/trusted": "yes" },
    },
    status: { nodeInfo: { architecture: "amd64" } },
  };
  const [reply] = await world.ask("edge-1", "insert", "null/node/edge-1", content);
  assert.ok(isJsonObject(reply?.content) && reply.content["Err"] === null);
  const [node] = await world.stored<Node>(nodes);
  assert.deepEqual(node?.metadata.labels, { "node-role.kubernetes.io/edge": "" });
  const object = objectOf(reply.content);
  assert.equal(object?.metadata.uid, node?.metadata.uid);
  assert.deepEqual(
    Object.keys(object ?? {}).filter((member) => member === "kind" || member === "apiVersion"),
    [],
  );
  assert.equal(reasonOf(await world.ask("edge-1", "insert", "null/node/edge-1", content)), "AlreadyExists");
});

test("a node changes its status by patch and never its spec", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  const patch = {
    metadata: { uid: undefined, finalizers: ["stay"] },
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
  const [reply] = await world.ask("edge-1", "patch", "null/nodepatch/edge-1", JSON.stringify(patch));
  const [node] = await world.stored<Node>(nodes);
  assert.equal(reply?.resourceVersion, node?.metadata.resourceVersion);
  assert.deepEqual(node?.status?.conditions, [{ type: "Ready", status: "True" }]);
  assert.deepEqual([node?.spec, node?.metadata.finalizers], [{}, undefined]);
});

test("a node touches no other node, lease or service account", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-2");
  const bound = { boundObjectRef: { kind: "Pod", name: "app", uid: "x" } };
  for (const [operation, resource, content] of [
    ["insert", "null/node/edge-2", { metadata: { name: "edge-2" } }],
    ["patch", "null/nodepatch/edge-2", '{"status":{}}'],
    ["update", "kube-node-lease/lease/edge-2", { spec: {} }],
    ["insert", "default/lease/edge-1", { spec: {} }],
    ["query", "plant/serviceaccounttoken/default", { spec: bound }],
    ["query", "plant/serviceaccounttoken/default", { spec: {} }],
    ["insert", "null/certificatesigningrequest/c", { spec: { signerName: "kubernetes.io/kube-apiserver-client" } }],
  ] as const)
    assert.equal(reasonOf(await world.ask("edge-1", operation, resource, content)), "Forbidden", resource);
});

test("a lease is queried, inserted and updated; what is missing is said in the error form of the wire", async () => {
  await using world = await new CloudWorld().start();
  const path = "kube-node-lease/lease/edge-1";
  const [missing] = await world.ask("edge-1", "query", path);
  assert.deepEqual(missing?.content, {
    Object: null,
    Err: {
      ErrStatus: {
        metadata: {},
        status: "Failure",
        message: 'leases.coordination.k8s.io "edge-1" not found',
        reason: "NotFound",
        details: { name: "edge-1", group: "coordination.k8s.io", kind: "leases" },
        code: 404,
      },
    },
  });
  const lease = { metadata: { name: "edge-1" }, spec: { holderIdentity: "edge-1", leaseDurationSeconds: 40 } };
  assert.equal(reasonOf(await world.ask("edge-1", "insert", path, lease)), undefined);
  const [found] = await world.ask("edge-1", "query", path);
  const object = objectOf(found?.content ?? null);
  assert.equal(object?.kind, "Lease");
  const renewed = { ...object, spec: { ...lease.spec, renewTime: "2026-01-01T00:00:10.000000Z" } };
  assert.equal(reasonOf(await world.ask("edge-1", "update", path, renewed as never)), undefined);
  assert.equal(reasonOf(await world.ask("edge-1", "update", path, renewed as never)), "Conflict");
  assert.equal((await world.stored(leases)).length, 1);
});

test("a pod's status goes up by patch, and the pod is deleted by its UID", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  world.hub.take();
  const status = { phase: "Running", containerStatuses: [{ name: "main", ready: true }] };
  const patch = JSON.stringify({ metadata: { uid: pod.metadata.uid }, spec: { nodeName: "edge-2" }, status });
  const [reply] = await world.ask("edge-1", "patch", "plant/podpatch/app", patch);
  const [stored] = await world.stored<Pod>(pods);
  assert.equal(reply?.resourceVersion, stored?.metadata.resourceVersion);
  assert.deepEqual([stored?.status?.phase, stored?.spec.nodeName], ["Running", "edge-1"]);
  assert.deepEqual(world.hub.take(), [`edgecontroller update plant/pod/app ${reply?.resourceVersion}`]);

  await world.delete(pods, "app");
  const other = { gracePeriodSeconds: 0, preconditions: { uid: "another" } };
  assert.deepEqual((await world.ask("edge-1", "delete", "plant/pod/app", other))[0]?.content, "OK");
  assert.equal((await world.stored(pods)).length, 1);
  const own = { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? "" } };
  assert.deepEqual((await world.ask("edge-1", "delete", "plant/pod/app", own))[0]?.content, "OK");
  assert.deepEqual(await world.stored(pods), []);
  assert.deepEqual((await world.ask("edge-1", "delete", "plant/pod/app", own))[0]?.content, "OK");
  assert.equal(reasonOf(await world.ask("edge-1", "delete", "plant/pod/app", {})), "BadRequest");
});

test("a node that reports a pod which is no more, or another one, is told to remove it", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  await world.createPod("renewed", { nodeName: "edge-1" });
  world.hub.take();
  for (const name of ["gone", "renewed"]) {
    const patch = JSON.stringify({ metadata: { uid: "old-uid" }, status: { phase: "Running" } });
    const replies = await world.ask("edge-1", "patch", `plant/podpatch/${name}`, patch);
    assert.ok(["NotFound", "Conflict"].includes(reasonOf(replies) ?? ""));
    assert.deepEqual(
      world.hub.takeMessages().map(({ route, content }) => [route.operation, route.resource, content]),
      [["delete", `plant/pod/${name}`, { metadata: { name, namespace: "plant", uid: "old-uid" } }]],
    );
  }
});

test("a ConfigMap is answered as it is in the API, a missing one as an error", async () => {
  await using world = await new CloudWorld().start();
  await world.createConfigMap("settings", { level: "1" });
  await world.patch(configMaps, "settings", { metadata: { managedFields: [{ manager: "kubectl" }] } });
  const [reply] = await world.ask("edge-1", "query", "plant/configmap/settings");
  const object = objectOf(reply?.content ?? null);
  assert.deepEqual([object?.kind, object?.metadata.managedFields], ["ConfigMap", undefined]);
  assert.equal(reply?.resourceVersion, object?.metadata.resourceVersion);
  assert.equal(reasonOf(await world.ask("edge-1", "query", "plant/configmap/missing")), "NotFound");
});

test("a token is bound to a pod of the node and answered with kind and status", async () => {
  await using world = await new CloudWorld().start();
  await world.create(
    { group: "", version: "v1", resource: "serviceaccounts", kind: "ServiceAccount", namespaced: true },
    {
      metadata: { name: "default", namespace: "plant" },
    },
  );
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "app", uid: pod.metadata.uid ?? "" };
  const content = {
    metadata: { creationTimestamp: null },
    spec: { audiences: null, expirationSeconds: 3607, boundObjectRef },
    status: { token: "", expirationTimestamp: null },
  };
  const [reply] = await world.ask("edge-1", "query", "plant/serviceaccounttoken/default", content);
  assert.ok(isJsonObject(reply?.content) && isJsonObject(reply.content["status"]));
  assert.equal(reply.content["kind"], "TokenRequest");
  assert.match(String(reply.content["status"]["token"]), /^token-of-plant-default/);
  assert.equal(reasonOf(await world.ask("edge-2", "query", "plant/serviceaccounttoken/default", content)), "Forbidden");
});

const ABOUT_ITSELF = { kind: "Node", name: "edge-1" };

test("an event that comes twice is stored once, with the node as its host, and not answered to KubeEdge's edge", async () => {
  await using world = await new CloudWorld().start();
  const event = {
    metadata: { name: "app.1" },
    involvedObject: ABOUT_ITSELF,
    reason: "Started",
    source: { host: "edge-9" },
  };
  for (let time = 0; time < 2; time++)
    assert.deepEqual(await world.ask("edge-1", "insert", "plant/event/app.1", event), []);
  assert.deepEqual(await world.ask("edge-1", "patch", "plant/event/app.1", {}), []);
  const [stored, ...more] = await world.stored<Event>(events);
  assert.deepEqual([stored?.source?.host, more.length], ["edge-1", 0]);
});

test("an event that comes again as new says what the one with the highest count says, unless it is another node's", async () => {
  await using world = await new CloudWorld().start();
  const tell = (nodeName: string, count: number): Promise<unknown> =>
    world.ask(nodeName, "insert", "plant/event/app.1", {
      ...{ metadata: { name: "app.1" }, reason: "Pulling", message: `${count}0 MB so far`, count },
      involvedObject: { kind: "Node", name: nodeName },
    });
  const said = async (): Promise<unknown> =>
    (await world.stored<Event>(events)).map(({ message, source }) => [message, source?.host]);
  for (const count of [1, 3, 2]) await tell("edge-1", count);
  await tell("edge-2", 9);
  assert.deepEqual(await said(), [["30 MB so far", "edge-1"]]);
});

test("an event from a Skerry's outbox is answered, whether it is new, came before, or is refused; its times are those of then", async () => {
  await using world = await new CloudWorld().start();
  const send = async (sequence: number, name: string, about: JsonObject): Promise<JsonValue[]> => {
    const times = { firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:05:00Z" };
    const route = { source: "edged", group: "meta", operation: "insert", resource: `plant/event/${name}` };
    const message = world.message(route, { metadata: { name }, involvedObject: about, ...times });
    message.header.msg_id = outboxMessageId("00000000-0000-4000-8000-000000000000", sequence);
    const replies: JsonValue[] = [];
    await world.controllers.handlers.edgeController.handle("edge-1", message, (content) => replies.push(content));
    return replies;
  };
  assert.deepEqual(await send(1, "app.1", ABOUT_ITSELF), ["OK"]);
  // After a restart of EdgeCore the same event has another id.
  assert.deepEqual(await send(2, "app.1", ABOUT_ITSELF), ["OK"]);
  const [refusal] = await send(3, "app.2", { kind: "Node", name: "edge-2" });
  assert.equal(errorStatusOf(refusal ?? null)?.reason, "Forbidden");
  const stored = await world.stored<Event>(events);
  assert.deepEqual(
    stored.map(({ firstTimestamp, lastTimestamp }) => [firstTimestamp, lastTimestamp]),
    [["2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z"]],
  );
});

test("every request is answered: what nobody handles, what is malformed, and failures that are no answer of the API", async () => {
  const failing = (api: KubernetesApi): KubernetesApi =>
    new Proxy(api, {
      get(target, member) {
        const value: unknown = Reflect.get(target, member);
        if (member === "patch") return () => Promise.reject(new Error("socket hang up"));
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  await using world = await new CloudWorld(failing).start();
  assert.equal(reasonOf(await world.ask("edge-1", "insert", "plant/volumeattachment/v", {})), "MethodNotAllowed");
  assert.equal(reasonOf(await world.ask("edge-1", "query", "no-path")), "BadRequest");
  assert.equal(reasonOf(await world.ask("edge-1", "patch", "plant/podpatch/app", "no JSON")), "BadRequest");
  assert.equal(reasonOf(await world.ask("edge-1", "insert", "null/node/edge-1", [1, 2])), "BadRequest");
  // KubeEdge answers such a failure as {"Object": …, "Err": {}}, which an edge reads as success (wire.md W11).
  assert.equal(reasonOf(await world.ask("edge-1", "patch", "null/nodepatch/edge-1", "{}")), "InternalError");
});

test("the empty message of a stopping EdgeCore is not answered", async () => {
  await using world = await new CloudWorld().start();
  const replies: JsonValue[] = [];
  const message = { header: { msg_id: "", timestamp: 0 }, route: {}, content: null };
  await world.controllers.handlers.edgeController.handle("edge-1", message, (content) => replies.push(content));
  assert.deepEqual(replies, []);
});

test("a ConfigMap that no pod of the node refers to any more leaves the node", async () => {
  await using world = await new CloudWorld().start();
  await world.connect("edge-1");
  await world.createConfigMap("settings");
  await world.createPod("app", { nodeName: "edge-1", volumes: [{ name: "v", configMap: { name: "settings" } }] });
  world.hub.take();
  const { nodeObjects } = world.controllers;
  assert.ok(nodeObjects.mayReadConfigMap("edge-1", { namespace: "plant", name: "settings" }));
  await world.delete(pods, "app", 0);
  assert.ok(!nodeObjects.mayReadConfigMap("edge-1", { namespace: "plant", name: "settings" }));
  assert.ok(nodeObjects.ownsPod("edge-1", { namespace: "plant", name: "app" }), "its last status may be on the way");
  await world.clock.advance(5_000);
  assert.deepEqual(
    world.hub.takeMessages().map(({ route }) => `${route.operation} ${route.resource}`),
    ["delete plant/pod/app", "delete plant/configmap/settings"],
  );
});

test("a node may speak of a pod that nobody knows, not of another node's", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("app", { nodeName: "edge-2" });
  const { nodeObjects } = world.controllers;
  assert.ok(nodeObjects.ownsPod("edge-1", { namespace: "plant", name: "unknown" }));
  assert.ok(!nodeObjects.ownsPod("edge-1", { namespace: "plant", name: "app" }));
  // The caches may lag: the handlers ask the API server.
  const uid = "00000000-0000-4000-8000-000000000001";
  assert.equal(reasonOf(await world.ask("edge-1", "patch", "plant/podpatch/app", '{"status":{}}')), "Forbidden");
  assert.equal(reasonOf(await world.ask("edge-1", "delete", "plant/pod/app", { preconditions: { uid } })), "Forbidden");
  const event = { metadata: { name: "app.1" }, involvedObject: { kind: "Pod", namespace: "plant", name: "app" } };
  await world.ask("edge-1", "insert", "plant/event/app.1", event);
  assert.deepEqual(await world.stored(events), []);
  assert.equal((await world.stored(pods)).length, 1);
});
