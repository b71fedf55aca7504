import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer } from "../testing/test-api-server.ts";

const user = { username: "system:node:edge-1", groups: ["system:nodes", "system:authenticated"] };

test("a node reads its own pods and what they use, its Node and Services, and nothing else", async () => {
  await using server = await startTestApiServer();
  const container = { name: "c", image: "i", envFrom: [{ configMapRef: { name: "settings" } }] };
  const pod = (name: string, nodeName: string, volumes: object[]): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { nodeName, containers: [name === "mine" ? container : { name: "c", image: "i" }], volumes },
  });
  const create = async (path: string, body: object): Promise<void> =>
    assert.equal((await server.call("POST", path, { body })).status, 201, path);
  await create(
    "/api/v1/namespaces/default/pods",
    pod("mine", "edge-1", [{ name: "v", secret: { secretName: "key" } }]),
  );
  await create(
    "/api/v1/namespaces/default/pods",
    pod("other", "edge-2", [{ name: "v", secret: { secretName: "no" } }]),
  );
  for (const name of ["edge-1", "edge-2"])
    await create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name } });
  for (const name of ["key", "no"])
    await create("/api/v1/namespaces/default/secrets", { apiVersion: "v1", kind: "Secret", metadata: { name } });
  for (const name of ["settings", "no"])
    await create("/api/v1/namespaces/default/configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

  const status = async (path: string, method = "GET"): Promise<number> =>
    (await server.call(method, `/api/v1/${path}`, { user })).status;
  for (const path of [
    "nodes/edge-1",
    "nodes?fieldSelector=metadata.name%3Dedge-1",
    "services",
    "pods?fieldSelector=spec.nodeName%3Dedge-1",
    "namespaces/default/pods/mine",
    "namespaces/default/secrets/key",
    "namespaces/default/configmaps/settings",
    "namespaces/default/configmaps?fieldSelector=metadata.name%3Dsettings",
  ])
    assert.equal(await status(path), 200, path);
  for (const path of [
    "nodes",
    "nodes/edge-2",
    "nodes?fieldSelector=metadata.name%3Dedge-2",
    "nodes?fieldSelector=metadata.name!%3Dedge-1",
    "pods",
    "pods?fieldSelector=spec.nodeName%3Dedge-2",
    "namespaces/default/pods",
    "namespaces/default/pods/other",
    "namespaces/default/secrets",
    "namespaces/default/secrets/no",
    "namespaces/kube-system/secrets/key",
    "namespaces/default/configmaps",
    "namespaces/default/configmaps/no",
    "namespaces/default/serviceaccounts/default",
  ])
    assert.equal(await status(path), 403, path);
  assert.equal(await status("namespaces/default/pods/mine", "DELETE"), 403);
  assert.equal(await status("nodes/edge-1", "DELETE"), 403);
});

test("a review answers for a node by the selector that it names", async () => {
  await using server = await startTestApiServer();
  const allowed = async (resourceAttributes: object): Promise<unknown> => {
    const body = { spec: { user: user.username, groups: user.groups, resourceAttributes } };
    const answer = await server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body });
    return (answer.body["status"] as { allowed: boolean }).allowed;
  };
  const watch = { verb: "watch", version: "v1", resource: "pods" };
  const requirements = (value: string): object => [{ key: "spec.nodeName", operator: "In", values: [value] }];
  assert.equal(await allowed(watch), false);
  assert.equal(await allowed({ ...watch, fieldSelector: { requirements: requirements("edge-1") } }), true);
  assert.equal(await allowed({ ...watch, fieldSelector: { requirements: requirements("edge-2") } }), false);
  assert.equal(await allowed({ ...watch, fieldSelector: { rawSelector: "spec.nodeName=edge-1" } }), true);
});

test("who only calls itself a node, without the group, has no rights by that", async () => {
  await using server = await startTestApiServer();
  const stranger = { username: "system:node:edge-1", groups: ["system:authenticated"] };
  assert.equal((await server.call("GET", "/api/v1/services", { user: stranger })).status, 403);
});
