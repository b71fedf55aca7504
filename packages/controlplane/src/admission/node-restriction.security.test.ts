import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";
import { forbiddenNodeLabels } from "./node-labels.ts";

const user = { username: "system:node:edge-1", groups: ["system:nodes", "system:authenticated"] };
const PODS = "/api/v1/namespaces/default/pods";
const MERGE = "application/merge-patch+json";

/** Two nodes with a pod each, and what the node's tries are answered with. */
async function twoNodes(): Promise<
  TestApiServer & { tried(method: string, url: string, body?: object): Promise<string> }
> {
  const server = await startTestApiServer();
  const make = async (url: string, body: object): Promise<void> => {
    const { status, body: answer } = await server.call("POST", url, { body });
    assert.equal(status, 201, JSON.stringify(answer));
  };
  for (const name of ["edge-1", "edge-2"]) {
    const spec = { taints: [{ key: "edge", effect: "NoSchedule" }] };
    await make("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name }, spec });
  }
  for (const [name, nodeName] of [
    ["mine", "edge-1"],
    ["theirs", "edge-2"],
  ])
    await make(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { nodeName, containers: [{ name: "c", image: "i" }] },
    });
  return {
    ...server,
    async tried(method, url, body) {
      const contentType = method === "PATCH" ? MERGE : "application/json";
      const request = { user, contentType, ...(body ? { body } : {}) };
      const { status, body: answer } = await server.call(method, url, request);
      return status < 300 ? "" : String(answer["message"]);
    },
  };
}

test("a node changes its own Node, but neither another's nor its taints", async () => {
  await using server = await twoNodes();
  const node = (name: string, labels: object = {}): object => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
  });
  assert.equal(await server.tried("PATCH", "/api/v1/nodes/edge-1", { metadata: { annotations: { a: "1" } } }), "");
  const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
  assert.equal(await server.tried("PATCH", "/api/v1/nodes/edge-1/status", ready), "");
  const another = 'nodes "edge-2" is forbidden: node "edge-1" is not allowed to modify node "edge-2"';
  assert.equal(await server.tried("PATCH", "/api/v1/nodes/edge-2/status", ready), another);
  assert.equal(await server.tried("PATCH", "/api/v1/nodes/edge-2", { spec: { unschedulable: true } }), another);
  assert.equal(await server.tried("PUT", "/api/v1/nodes/edge-2", node("edge-2")), another);
  assert.equal(
    await server.tried("POST", "/api/v1/nodes", node("edge-3")),
    'nodes "edge-3" is forbidden: node "edge-1" is not allowed to modify node "edge-3"',
  );
  for (const taints of [[], [{ key: "other", effect: "NoExecute" }]])
    assert.equal(
      await server.tried("PATCH", "/api/v1/nodes/edge-1", { spec: { taints } }),
      'nodes "edge-1" is forbidden: node "edge-1" is not allowed to modify taints',
    );
});

test("a node sets only those of Kubernetes' labels that are about itself", async () => {
  await using server = await twoNodes();
  const labelled = (labels: object): Promise<string> =>
    server.tried("PATCH", "/api/v1/nodes/edge-1", { metadata: { labels } });
  const own = { "kubernetes.io/arch": "arm64", "node.kubernetes.io/instance-type": "pi", rack: "7", "my.org/x": "y" };
  assert.equal(await labelled(own), "");
  assert.equal(
    await labelled({
      "node-role.kubernetes.io/edge": "",
      "node-restriction.kubernetes.io/trusted": "yes",
      "x.k8s.io/a": "",
    }),
    'nodes "edge-1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/trusted, node-role.kubernetes.io/edge, x.k8s.io/a',
  );
  const apply = await server.call("PATCH", "/api/v1/nodes/edge-1?fieldManager=kubelet", {
    user,
    contentType: "application/apply-patch+yaml",
    body: { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1", labels: { "node-role.kubernetes.io/x": "" } } },
  });
  assert.equal(apply.status, 403);
  await server.call("DELETE", "/api/v1/nodes/edge-1");
  const registered = { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1", labels: { "k8s.io/secret": "1" } } };
  assert.match(
    await server.tried("POST", "/api/v1/nodes", registered),
    /is not allowed to set the following labels: k8s.io\/secret$/,
  );
});

test("a node may neither add nor change nor remove a label that is not its own, but keep it", () => {
  const key = "node-role.kubernetes.io/edge";
  assert.deepEqual(forbiddenNodeLabels({ [key]: "" }, { [key]: "" }), []);
  assert.deepEqual(forbiddenNodeLabels({}, { [key]: "" }), [key]);
  assert.deepEqual(forbiddenNodeLabels({ [key]: "" }, { [key]: "x" }), [key]);
  assert.deepEqual(forbiddenNodeLabels({ [key]: "" }, {}), [key]);
});

test("a node reports on, evicts and deletes the pods that are bound to it, and no others", async () => {
  await using server = await twoNodes();
  const running = { status: { phase: "Running" } };
  const eviction = (name: string): object => ({ apiVersion: "policy/v1", kind: "Eviction", metadata: { name } });
  assert.equal(await server.tried("PATCH", `${PODS}/mine/status`, running), "");
  assert.equal(
    await server.tried("PATCH", `${PODS}/theirs/status`, running),
    'pods "theirs" is forbidden: node "edge-1" can only update pod status for pods with spec.nodeName set to itself',
  );
  assert.match(
    await server.tried("PATCH", `${PODS}/mine`, { metadata: { labels: { a: "b" } } }),
    /cannot patch resource "pods"/,
  );
  assert.equal(
    await server.tried("POST", `${PODS}/theirs/eviction`, eviction("theirs")),
    'pods "theirs" is forbidden: node edge-1 can only evict pods with spec.nodeName set to itself',
  );
  assert.equal(
    await server.tried("DELETE", `${PODS}/theirs`),
    'pods "theirs" is forbidden: node "edge-1" can only delete pods with spec.nodeName set to itself',
  );
  assert.equal(await server.tried("POST", `${PODS}/gone/eviction`, eviction("gone")), 'pods "gone" not found');
  assert.equal(await server.tried("POST", `${PODS}/mine/eviction`, eviction("mine")), "");
  assert.equal((await server.call("GET", `${PODS}/theirs`)).status, 200);
});

test("a node changes neither the owners of its pods through their status nor whether they are mirrors", async () => {
  await using server = await twoNodes();
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "u" };
  await server.call("PATCH", `${PODS}/mine`, { contentType: MERGE, body: { metadata: { ownerReferences: [owner] } } });
  const owners = async (): Promise<unknown> =>
    ((await server.call("GET", `${PODS}/mine`)).body["metadata"] as Record<string, unknown>)["ownerReferences"];
  assert.deepEqual(await owners(), [owner]);
  for (const ownerReferences of [[], null, [{ ...owner, name: "other" }]]) {
    const body = { metadata: { ownerReferences }, status: { phase: "Running" } };
    assert.equal(await server.tried("PATCH", `${PODS}/mine/status`, body), "");
    assert.deepEqual(await owners(), [owner]);
  }
  const mirror = { metadata: { annotations: { "kubernetes.io/config.mirror": "x" } } };
  const refusal = /node "edge-1" may not add, change or remove the "kubernetes.io\/config.mirror" annotation$/;
  assert.match(await server.tried("PATCH", `${PODS}/mine/status`, mirror), refusal);
  await server.call("PATCH", `${PODS}/mine`, { contentType: MERGE, body: mirror });
  const plain = { metadata: { annotations: { "kubernetes.io/config.mirror": null } } };
  assert.match(await server.tried("PATCH", `${PODS}/mine/status`, plain), refusal);
});

test("a role that lets nodes change pods does not let them change those of others, or bind any", async () => {
  await using server = await twoNodes();
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const rules = [{ apiGroups: [""], resources: ["pods", "pods/binding", "pods/ephemeralcontainers"], verbs: ["*"] }];
  const role = { apiVersion, kind: "ClusterRole", metadata: { name: "generous" }, rules };
  await server.call("POST", `/apis/${apiVersion}/clusterroles`, { body: role });
  await server.call("POST", `/apis/${apiVersion}/clusterrolebindings`, {
    body: {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name: "generous" },
      roleRef: { kind: "ClusterRole", name: "generous" },
      subjects: [{ kind: "Group", name: "system:nodes" }],
    },
  });
  assert.match(
    await server.tried("PATCH", `${PODS}/mine`, { metadata: { labels: { a: "b" } } }),
    /node "edge-1" can only create and delete mirror pods$/,
  );
  const parts = /only 'status' and 'eviction' are allowed$/;
  assert.match(await server.tried("POST", `${PODS}/mine/binding`, { target: { name: "edge-1" } }), parts);
  assert.match(await server.tried("PATCH", `${PODS}/mine/ephemeralcontainers`, { spec: {} }), parts);
  assert.match(await server.tried("DELETE", PODS), /can only delete pods with spec.nodeName set to itself$/);
});

test("a node makes mirrors of its own pods, which refer to nothing", async () => {
  await using server = await twoNodes();
  const { body: node } = await server.call("GET", "/api/v1/nodes/edge-1");
  const { uid } = node["metadata"] as { uid: string };
  const owner = { apiVersion: "v1", kind: "Node", name: "edge-1", uid, controller: true };
  const annotations = { "kubernetes.io/config.mirror": "hash" };
  const container = { name: "c", image: "i" };
  const tried = (metadata: object, spec: object = {}): Promise<string> =>
    server.tried("POST", `${PODS}?dryRun=All`, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "static", annotations, ownerReferences: [owner], ...metadata },
      spec: { nodeName: "edge-1", containers: [container], ...spec },
    });
  assert.equal(await tried({}), "");
  const refusals: readonly (readonly [object, object, RegExp])[] = [
    [
      { annotations: {} },
      {},
      /does not have "kubernetes.io\/config.mirror" annotation, node "edge-1" can only create mirror/,
    ],
    [{}, { nodeName: "edge-2" }, /can only create pods with spec.nodeName set to itself/],
    [{}, { nodeName: "" }, /can only create pods with spec.nodeName set to itself/],
    [{ ownerReferences: [] }, {}, /with an owner reference set to itself/],
    [{ ownerReferences: [owner, { ...owner, controller: false }] }, {}, /with a single owner reference/],
    [{ ownerReferences: [{ ...owner, name: "edge-2" }] }, {}, /with an owner reference set to itself/],
    [{ ownerReferences: [{ ...owner, controller: false }] }, {}, /with a controller owner reference set to itself/],
    [{ ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }, {}, /must not set blockOwnerDeletion/],
    [{ ownerReferences: [{ ...owner, uid: "other" }] }, {}, /node edge-1 UID mismatch: expected other got /],
    [{}, { serviceAccountName: "default" }, /reference service account/],
    [{}, { volumes: [{ name: "v", secret: { secretName: "s" } }] }, /reference secrets/],
    [{}, { volumes: [{ name: "v", configMap: { name: "s" } }] }, /can not create pods that reference configmaps/],
    [{}, { containers: [{ ...container, envFrom: [{ configMapRef: { name: "s" } }] }] }, /reference configmaps/],
    [
      {},
      { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] },
      /can not create pods that reference persistentvolumeclaims/,
    ],
  ];
  for (const [metadata, spec, refusal] of refusals) assert.match(await tried(metadata, spec), refusal);
});

test("a node has tokens only for pods that are bound to it, and only bound to these", async () => {
  await using server = await twoNodes();
  const uidOf = async (name: string): Promise<string> =>
    ((await server.call("GET", `${PODS}/${name}`)).body["metadata"] as { uid: string }).uid;
  const request = (boundObjectRef?: object): Promise<string> =>
    server.tried("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [], ...(boundObjectRef ? { boundObjectRef } : {}) },
    });
  const mine = { apiVersion: "v1", kind: "Pod", name: "mine", uid: await uidOf("mine") };
  assert.equal(await request(mine), "");
  assert.match(await request(), /node requested token not bound to a pod$/);
  assert.match(await request({ ...mine, kind: "Secret" }), /node requested token not bound to a pod$/);
  assert.match(await request({ ...mine, uid: "" }), /with a pod binding without a uid$/);
  assert.match(await request({ ...mine, uid: "old" }), /the UID in the bound object reference \(old\) does not match/);
  assert.match(
    await request({ ...mine, name: "theirs", uid: await uidOf("theirs") }),
    /scheduled on a different node$/,
  );
  assert.equal(await request({ ...mine, name: "gone" }), 'pods "gone" not found');
});

test("a node keeps the Lease and the CSINode of its name, and tells of its claims no more than their state", async () => {
  await using server = await twoNodes();
  const lease = (name: string): object => ({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name } });
  const leases = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  assert.equal(await server.tried("POST", leases("kube-node-lease"), lease("edge-1")), "");
  assert.match(
    await server.tried("POST", leases("kube-node-lease"), lease("edge-2")),
    /can only access node lease with the same name as the requesting node$/,
  );
  assert.match(await server.tried("POST", leases("default"), lease("edge-1")), /cannot create resource "leases"/);
  assert.equal(await server.tried("DELETE", `${leases("kube-node-lease")}/edge-1`), "");
  const csiNode = (name: string): object => ({
    apiVersion: "storage.k8s.io/v1",
    kind: "CSINode",
    metadata: { name },
    spec: { drivers: [] },
  });
  assert.equal(await server.tried("POST", "/apis/storage.k8s.io/v1/csinodes", csiNode("edge-1")), "");
  assert.match(
    await server.tried("POST", "/apis/storage.k8s.io/v1/csinodes", csiNode("edge-2")),
    /can only access CSINode with the same name as the requesting node$/,
  );

  const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
  await server.call("POST", claims, { body: claim });
  await server.call("POST", PODS, {
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "db" },
      spec: {
        nodeName: "edge-1",
        containers: [{ name: "c", image: "i" }],
        volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }],
      },
    },
  });
  assert.equal(await server.tried("PATCH", `${claims}/data/status`, { status: { capacity: { storage: "1Gi" } } }), "");
  assert.match(
    await server.tried("PATCH", `${claims}/data/status`, { status: { phase: "Lost" } }),
    /is not allowed to update fields other than status.capacity and status.conditions$/,
  );
  assert.match(
    await server.tried("PATCH", `${claims}/data`, { metadata: { labels: { a: "b" } } }),
    /cannot patch resource/,
  );
});

test("who is in the nodes' group without being a certain node writes nothing that nodes write", async () => {
  await using server = await twoNodes();
  const nobody = { username: "system:node:", groups: ["system:nodes", "system:masters"] };
  const body = { metadata: { annotations: { a: "1" } } };
  const answer = await server.call("PATCH", "/api/v1/nodes/edge-1", { user: nobody, body, contentType: MERGE });
  assert.equal(
    answer.body["message"],
    'nodes "edge-1" is forbidden: could not determine node from user "system:node:"',
  );
});
