import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, type Node, namespaces, nodes, type Pod, pods, serviceAccounts } from "@skerry/api";
import { isApiError } from "@skerry/kube";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const PODS = "/api/v1/namespaces/default/pods";

function pod(name: string, more: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...more },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
}

async function bind(server: TestApiServer, name: string): Promise<void> {
  const { status } = await server.call("POST", `${PODS}/${name}/binding`, {
    body: { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "edge-1" } },
  });
  assert.equal(status, 201);
}

const metadataOf = (body: Record<string, unknown>): Record<string, unknown> =>
  body["metadata"] as Record<string, unknown>;

test("a pod without a node is deleted at once, one on a node waits for its grace period to be ended", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod("waiting") });
  assert.equal((await server.call("DELETE", `${PODS}/waiting`)).status, 200);
  assert.equal((await server.call("GET", `${PODS}/waiting`)).status, 404);
  await server.call("POST", PODS, { body: pod("bound") });
  await bind(server, "bound");
  const first = await server.call("DELETE", `${PODS}/bound`);
  assert.equal(metadataOf(first.body)["deletionGracePeriodSeconds"], 30);
  assert.equal(typeof metadataOf(first.body)["deletionTimestamp"], "string");
  const again = await server.call("DELETE", `${PODS}/bound`);
  assert.equal(metadataOf(again.body)["resourceVersion"], metadataOf(first.body)["resourceVersion"]);
  const shorter = await server.call("DELETE", `${PODS}/bound`, { body: { gracePeriodSeconds: 5 } });
  assert.equal(metadataOf(shorter.body)["deletionGracePeriodSeconds"], 5);
  const wrong = await server.call("DELETE", `${PODS}/bound`, {
    body: { gracePeriodSeconds: 0, preconditions: { uid: "another" } },
  });
  assert.equal(wrong.status, 409);
  await server.call("DELETE", `${PODS}/bound`, { body: { gracePeriodSeconds: 0 } });
  assert.equal((await server.call("GET", `${PODS}/bound`)).status, 404);
});

test("a pod is bound once, and only while it lives", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod("p") });
  await bind(server, "p");
  const { body } = await server.call("GET", `${PODS}/p`);
  assert.equal((body["spec"] as Record<string, unknown>)["nodeName"], "edge-1");
  const second = await server.call("POST", `${PODS}/p/binding`, { body: { target: { name: "edge-2" } } });
  assert.equal(second.status, 409);
  assert.match(String(second.body["message"]), /pod p is already assigned to node "edge-1"/);
});

test("an eviction deletes the pod", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod("p") });
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p", namespace: "default" } };
  assert.equal((await server.call("POST", `${PODS}/p/eviction`, { body })).status, 201);
  assert.equal((await server.call("GET", `${PODS}/p`)).status, 404);
});

test("an object with finalizers stays until the last one is gone", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const target = { resource: configMaps, namespace: "default" };
  const at = { ...target, name: "x" };
  await api.create(target, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "x", finalizers: ["a/b", "c/d"] },
  });
  await api.delete(at);
  const marked = await api.get(at);
  assert.equal(typeof marked.metadata.deletionTimestamp, "string");
  await assert.rejects(
    api.patch(at, { type: "merge", body: { metadata: { finalizers: ["a/b", "c/d", "e/f"] } } }),
    (error) => isApiError(error, "Invalid"),
  );
  await api.patch(at, { type: "merge", body: { metadata: { finalizers: ["c/d"] } } });
  await api.get(at);
  await api.patch(at, { type: "merge", body: { metadata: { finalizers: null } } });
  await assert.rejects(api.get(at), (error) => isApiError(error, "NotFound"));
});

test("a namespace is Terminating until it is finalized, and takes no new objects meanwhile", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const at = { resource: namespaces, name: "t1" };
  await api.create({ resource: namespaces }, { apiVersion: "v1", kind: "Namespace", metadata: { name: "t1" } });
  await api.delete(at);
  const { status, body } = await server.call("POST", "/api/v1/namespaces/t1/configmaps", {
    body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late" } },
  });
  assert.equal(status, 403);
  assert.match(String(body["message"]), /because it is being terminated/);
  const namespace = await api.get(at);
  await api.update({ ...at, subresource: "finalize" }, { ...namespace, spec: { finalizers: [] } } as typeof namespace);
  await assert.rejects(api.get(at), (error) => isApiError(error, "NotFound"));
  await assert.rejects(api.delete({ resource: namespaces, name: "default" }), (error) =>
    isApiError(error, "Forbidden"),
  );
});

test("an update with an old resourceVersion conflicts, one without any does not", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const target = { resource: configMaps, namespace: "default" };
  const at = { ...target, name: "x" };
  const first = await api.create(target, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } });
  await api.update(at, { ...first, data: { a: "1" } } as typeof first);
  await assert.rejects(api.update(at, { ...first, data: { a: "2" } } as typeof first), (error) =>
    isApiError(error, "Conflict"),
  );
  await api.update(at, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } });
  await assert.rejects(api.delete(at, { preconditions: { resourceVersion: "1" } }), (error) =>
    isApiError(error, "Conflict"),
  );
});

test("a write that changes nothing makes no new revision, and a dry run leaves nothing behind", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const target = { resource: configMaps, namespace: "default" };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { a: "1" } };
  const dry = await api.create(target, object, { dryRun: true });
  assert.equal(dry.data.a, "1");
  await assert.rejects(api.get({ ...target, name: "x" }), (error) => isApiError(error, "NotFound"));
  await api.create(target, object);
  const before = await api.list(target);
  await api.patch({ ...target, name: "x" }, { type: "merge", body: { data: { a: "1" } } });
  await api.patch({ ...target, name: "x" }, { type: "merge", body: { data: { a: "2" } } }, { dryRun: true });
  assert.equal((await api.list(target)).metadata.resourceVersion, before.metadata.resourceVersion);
});

test("the status subresource changes only the status, and the object itself everything but it", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const at = { resource: pods, namespace: "default", name: "p" };
  const made = await api.create({ resource: pods, namespace: "default" }, pod("p") as Pod);
  const status = { phase: "Running" as const };
  const changed = await api.update<Pod>(
    { ...at, subresource: "status" },
    { ...made, spec: { containers: [] }, status },
  );
  assert.deepEqual(changed.status, status);
  assert.equal(changed.spec.containers.length, 1);
  assert.equal((changed.metadata as { generation?: number }).generation, 1);
  const labelled = await api.patch<Pod>(at, {
    type: "strategic",
    body: { metadata: { labels: { a: "b" } }, status: { phase: "Failed" } },
  });
  assert.deepEqual(labelled.status, status);
  assert.deepEqual(labelled.metadata.labels, { a: "b" });
});

test("a pod in a namespace without its service account is refused in Kubernetes' words", async () => {
  await using server = await startTestApiServer();
  await server.api.delete({ resource: serviceAccounts, namespace: "default", name: "default" });
  const { status, body } = await server.call("POST", PODS, { body: pod("p") });
  assert.equal(status, 403);
  assert.equal(
    body["message"],
    'pods "p" is forbidden: error looking up service account default/default: serviceaccount "default" not found',
  );
});

test("wrong names, labels, owners, namespaces and kinds get clear errors", async () => {
  await using server = await startTestApiServer();
  const { call } = server;
  const message = async (url: string, body: object): Promise<string> => {
    const answer = await call("POST", url, { body });
    assert.ok(answer.status >= 400 && answer.status < 500, `${url} ${answer.status}`);
    return String(answer.body["message"]);
  };
  assert.match(
    await message(PODS, pod("Upper")),
    /metadata\.name: Invalid value: "Upper": a lowercase RFC 1123 subdomain/,
  );
  assert.match(await message(PODS, pod("p", { labels: { "a b": "c" } })), /metadata\.labels: Invalid value: "a b"/);
  assert.match(
    await message(PODS, pod("p", { namespace: "other" })),
    /namespace of the provided object does not match/,
  );
  assert.match(await message(PODS, pod("p", { ownerReferences: [{ kind: "X" }] })), /ownerReferences\[0\]\.uid/);
  assert.match(await message("/api/v1/namespaces/nowhere/pods", pod("p")), /namespaces "nowhere" not found/);
  assert.match(
    await message(PODS, { apiVersion: "v1", kind: "Node", metadata: { name: "p" } }),
    /does not match the expected kind/,
  );
  assert.match(
    await message(PODS, { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: {} }),
    /spec\.containers: Required value/,
  );
  assert.match(
    await message(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers: [{ name: "c", image: "i", imagePullPolicy: "Sometimes" }] },
    }),
    /Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"/,
  );
  assert.match(
    await message(PODS, { metadata: 5 }),
    /json: cannot unmarshal number into Go struct field Pod\.metadata/,
  );
});

test("unknown members are refused, reported or dropped, as fieldValidation says", async () => {
  await using server = await startTestApiServer();
  const body = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, dat: {} });
  const url = "/api/v1/namespaces/default/configmaps";
  const strict = await server.call("POST", `${url}?fieldValidation=Strict`, { body: body("a") });
  assert.equal(strict.status, 400);
  assert.match(String(strict.body["message"]), /strict decoding error: unknown field "dat"/);
  const warned = await server.send("POST", `${url}?fieldValidation=Warn`, { body: body("b") });
  assert.equal(warned.headers["warning"], '299 - "unknown field \\"dat\\""');
  assert.equal("dat" in JSON.parse(String(warned.body)), false);
  const ignored = await server.send("POST", `${url}?fieldValidation=Ignore`, { body: body("c") });
  assert.equal(ignored.headers["warning"], undefined);
});

test("a node's status patch may change labels and annotations, as kubelets do it", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
  const node = await api.patch<Node>(
    { resource: nodes, name: "n", subresource: "status" },
    {
      type: "strategic",
      body: { metadata: { annotations: { a: "b" } }, status: { conditions: [{ type: "Ready", status: "True" }] } },
    },
  );
  assert.deepEqual(node.metadata.annotations, { a: "b" });
  assert.deepEqual(node.status?.conditions, [{ type: "Ready", status: "True" }]);
});

test("a new node keeps the status it registers with, a new pod does not", async () => {
  await using server = await startTestApiServer();
  const { api } = server;
  const status = { conditions: [{ type: "Ready", status: "True" as const }] };
  const node = await api.create<Node>(
    { resource: nodes },
    { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status },
  );
  assert.deepEqual(node.status?.conditions, status.conditions);
  const made = await api.create(
    { resource: pods, namespace: "default" },
    { ...(pod("p") as Pod), status: { phase: "Running" } },
  );
  assert.equal(made.status?.phase, "Pending");
});

test("an object over the size limit is refused, and a key called __proto__ is kept like any other", async () => {
  await using server = await startTestApiServer();
  const url = "/api/v1/namespaces/default/configmaps";
  const object = (name: string, data: string) =>
    new TextEncoder().encode(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"},"data":${data}}`);
  const revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
  const revision = { metadata: { name: "large" }, revision: 1, data: { a: "x".repeat(1_600_000) } };
  const large = await server.call("POST", revisions, { body: revision });
  assert.equal(large.status, 413);
  const odd = await server.send("POST", url, { body: object("odd", '{"__proto__":"v"}') });
  assert.match(String(odd.body), /"data":\{"__proto__":"v"\}/);
});
