import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, events, leases, type Node, nodes, type Pod, pods } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { errorStatusOf } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

/** Why the one reply refuses; undefined when it does not. */
function refusal(replies: readonly { content: JsonValue }[]): string | undefined {
  assert.equal(replies.length, 1);
  return errorStatusOf(replies[0]?.content ?? null)?.reason;
}

const mirror = (spec: JsonObject = {}): JsonObject => ({
  metadata: { name: "static", annotations: { "kubernetes.io/config.mirror": "hash" } },
  spec: { nodeName: "edge-1", containers: [{ name: "c" }], ...spec },
});

test("a mirror pod gives its node no Secret, ConfigMap, claim or service account", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createSecret("password");
  const specs: JsonObject[] = [
    { volumes: [{ name: "v", secret: { secretName: "password" } }] },
    { volumes: [{ name: "v", configMap: { name: "settings" } }] },
    { volumes: [{ name: "v", projected: { sources: [{ secret: { name: "password" } }] } }] },
    { volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }] },
    { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] },
    { volumes: [{ name: "v", ephemeral: { volumeClaimTemplate: {} } }] },
    { containers: [{ name: "c", envFrom: [{ secretRef: { name: "password" } }] }] },
    {
      initContainers: [
        { name: "i", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "password", key: "k" } } }] },
      ],
    },
    { imagePullSecrets: [{ name: "password" }] },
    { serviceAccountName: "default" },
    { serviceAccount: "default" },
    { nodeName: "edge-2" },
  ];
  for (const spec of specs) {
    const replies = await world.ask("edge-1", "insert", "plant/pod/static", mirror(spec));
    assert.equal(refusal(replies), "Forbidden", JSON.stringify(spec));
  }
  assert.deepEqual(await world.stored(pods), []);
  assert.equal(world.controllers.nodeObjects.mayReadSecret("edge-1", { namespace: "plant", name: "password" }), false);
});

test("a mirror pod belongs to its node, whatever it says, and is nobody's for a token", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  const pod = mirror();
  const metadata = {
    ...(isJsonObject(pod["metadata"]) ? pod["metadata"] : {}),
    finalizers: ["example.com/for-ever"],
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u", controller: true, blockOwnerDeletion: true },
    ],
  };
  assert.equal(refusal(await world.ask("edge-1", "insert", "plant/pod/static", { ...pod, metadata })), undefined);
  const [stored] = await world.stored<Pod>(pods);
  const [node] = await world.stored<Node>(nodes);
  assert.equal(stored?.metadata.finalizers, undefined);
  assert.deepEqual(stored?.metadata.ownerReferences, [
    { apiVersion: "v1", kind: "Node", name: "edge-1", uid: node?.metadata.uid, controller: true },
  ]);
  const bound = { boundObjectRef: { kind: "Pod", name: "static", uid: stored?.metadata.uid ?? "" } };
  const asked = await world.ask("edge-1", "query", "plant/serviceaccounttoken/default", { spec: bound });
  assert.equal(refusal(asked), "Forbidden");
});

test("a node that had a pod does not write the status of another node's pod of the same name", async () => {
  await using world = await new CloudWorld().start();
  const former = await world.createPod("db-0", { nodeName: "edge-1" });
  await world.delete(pods, "db-0", 0);
  const present = await world.createPod("db-0", { nodeName: "edge-2" });
  const status = { phase: "Failed" };
  for (const metadata of [{}, { uid: present.metadata.uid ?? "" }])
    assert.equal(
      refusal(await world.ask("edge-1", "patch", "plant/podpatch/db-0", JSON.stringify({ metadata, status }))),
      "Forbidden",
    );
  for (const UID of [undefined, present.metadata.uid])
    assert.equal(
      refusal(
        await world.ask("edge-1", "update", "plant/podstatus", [
          { Name: "db-0", Status: status, ...(UID ? { UID } : {}) },
        ]),
      ),
      "Forbidden",
    );
  const uid = present.metadata.uid ?? "";
  await world.ask("edge-1", "delete", "plant/pod/db-0", { gracePeriodSeconds: 0, preconditions: { uid } });
  const [stored] = await world.stored<Pod>(pods);
  assert.equal(stored?.metadata.uid, uid);
  assert.notEqual(stored?.status?.phase, "Failed");
  // Its own former pod it may still speak of: it is told to remove it.
  const own = { metadata: { uid: former.metadata.uid ?? "" }, status };
  assert.equal(refusal(await world.ask("edge-1", "patch", "plant/podpatch/db-0", JSON.stringify(own))), "Conflict");
});

test("a status patch reaches only the pod that the node knows, not one that took its name meanwhile", async () => {
  const world = new CloudWorld((api) => api);
  await using _stop = await world.start();
  const pod = await world.createPod("app", { nodeName: "edge-1" });
  const patched: (string | undefined)[] = [];
  const original = world.memory.patch.bind(world.memory);
  world.memory.patch = (target, patch, options) => {
    const metadata = "body" in patch && isJsonObject(patch.body) ? patch.body["metadata"] : undefined;
    patched.push(isJsonObject(metadata) ? String(metadata["uid"]) : undefined);
    return original(target, patch, options);
  };
  await world.ask("edge-1", "patch", "plant/podpatch/app", JSON.stringify({ status: { phase: "Running" } }));
  assert.deepEqual(patched, [pod.metadata.uid]);
});

test("a node has no directives and no labels of the administrator in its metadata", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.patch(nodes, "edge-1", {
    metadata: { labels: { "node-restriction.kubernetes.io/zone": "safe", site: "north" }, annotations: { note: "x" } },
  });
  const labels = {
    $patch: "replace",
    "node-role.kubernetes.io/control-plane": "",
    "kubernetes.io/hostname": "edge-2",
    "example.k8s.io/x": "y",
    "sub.node-restriction.kubernetes.io/zone": "other",
    "topology.kubernetes.io/zone": "z1",
    "node.kubernetes.io/instance-type": "small",
    rack: "7",
  };
  const annotations = { $patch: "replace", cloudcore: "attacker:10000", own: "1" };
  const patch = { metadata: { labels, annotations } };
  const expected = {
    "node-role.kubernetes.io/edge": "",
    "node-restriction.kubernetes.io/zone": "safe",
    site: "north",
    "topology.kubernetes.io/zone": "z1",
    "node.kubernetes.io/instance-type": "small",
    rack: "7",
  };
  for (const send of [
    () => world.ask("edge-1", "update", "null/node/edge-1", patch),
    () => world.ask("edge-1", "patch", "null/nodepatch/edge-1", JSON.stringify(patch)),
  ]) {
    await send();
    const [node] = await world.stored<Node>(nodes);
    assert.deepEqual(node?.metadata.labels, expected);
    assert.deepEqual(node?.metadata.annotations, { note: "x", own: "1" });
  }
});

test("a node registers only under its own host name and role", async () => {
  await using world = await new CloudWorld().start();
  const labels = {
    "kubernetes.io/hostname": "edge-1",
    "node-role.kubernetes.io/agent": "",
    "node-role.kubernetes.io/control-plane": "",
    "kubernetes.io/arch": "amd64",
  };
  const metadata = { name: "edge-1", labels, finalizers: ["stay"], ownerReferences: [{ kind: "Node" }] };
  await world.ask("edge-1", "insert", "null/node/edge-1", { metadata });
  const [node] = await world.stored<Node>(nodes);
  const { "node-role.kubernetes.io/control-plane": _refused, ...kept } = labels;
  assert.deepEqual(node?.metadata.labels, kept);
  assert.deepEqual([node?.metadata.finalizers, node?.metadata.ownerReferences], [undefined, undefined]);
});

test("a lease is owned by its Node or by nothing", async () => {
  await using world = await new CloudWorld().start();
  const own = { apiVersion: "v1", kind: "Node", name: "edge-1", uid: "u" };
  const ownerReferences = [
    { ...own, blockOwnerDeletion: true },
    { ...own, name: "edge-2" },
    { ...own, kind: "Namespace" },
  ];
  const metadata = { name: "edge-1", finalizers: ["stay"], ownerReferences };
  await world.ask("edge-1", "insert", "kube-node-lease/lease/edge-1", { metadata, spec: {} });
  const [lease] = await world.stored(leases);
  assert.deepEqual([lease?.metadata.finalizers, lease?.metadata.ownerReferences], [undefined, [own]]);
});

test("a node writes no event about what is not its own", async () => {
  await using world = await new CloudWorld().start();
  await world.createPod("a", { nodeName: "edge-1" });
  await world.createPod("a.b", { nodeName: "edge-2" });
  const about = (kind: string, name: string): JsonObject => ({ involvedObject: { kind, namespace: "plant", name } });
  await world.ask("edge-1", "insert", "plant/event/edge-2.1", about("Node", "edge-2"));
  await world.ask("edge-1", "insert", "plant/event/web.1", about("Deployment", "web"));
  assert.deepEqual(await world.stored(events), []);

  // The other node's event has a name that could be one of the node's own pod, too.
  await world.ask("edge-2", "insert", "plant/event/a.b.1", { ...about("Pod", "a.b"), message: "true" });
  await world.ask("edge-1", "update", "plant/event/a.b.1", { ...about("Pod", "a"), message: "forged" });
  const patch = { event: about("Pod", "a"), patchData: JSON.stringify({ message: "forged" }) };
  await world.ask("edge-1", "patch", "plant/event/a.b.1", patch);
  const stored = await world.stored<Event>(events);
  assert.deepEqual(
    stored.map((event) => [event.message, event.involvedObject?.name]),
    [["true", "a.b"]],
  );
});

test("a node that floods with events has them dropped beyond its share, others are not touched", async () => {
  await using world = await new CloudWorld().start();
  const event = (name: string): JsonObject => ({ involvedObject: { kind: "Node", name } });
  for (let count = 0; count < 1_100; count++)
    await world.ask("edge-1", "insert", `default/event/edge-1.${count}`, event("edge-1"));
  assert.equal((await world.stored(events)).length, 1_000);
  await world.ask("edge-2", "insert", "default/event/edge-2.1", event("edge-2"));
  await world.clock.advance(60_000);
  await world.ask("edge-1", "insert", "default/event/edge-1.later", event("edge-1"));
  assert.equal((await world.stored(events)).length, 1_002);
});
