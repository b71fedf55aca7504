import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const user = { username: "system:node:edge-1", groups: ["system:nodes", "system:authenticated"] };

/** What a watch begins with. */
async function namesUntilBookmark(server: TestApiServer, url: string): Promise<string[]> {
  const { status, body } = await server.send("GET", url);
  assert.equal(status, 200);
  const names: string[] = [];
  for await (const line of body as AsyncIterable<string>) {
    const { type, object } = JSON.parse(line);
    if (type === "BOOKMARK") break;
    names.push(object.metadata.name);
  }
  return names;
}

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
    "namespaces/default/pods/mine?fieldSelector=spec.nodeName%3Dedge-2",
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
    "namespaces/default/pods/other?watch=true&fieldSelector=spec.nodeName%3Dedge-1",
    "watch/namespaces/default/pods/other?fieldSelector=spec.nodeName%3Dedge-1",
    "pods?fieldSelector=spec.nodeName%3Dedge-1%5C%2Cx",
    "namespaces/default/secrets",
    "namespaces/default/secrets/no",
    "namespaces/kube-system/secrets/key",
    "namespaces/default/configmaps",
    "namespaces/default/configmaps/no",
    "namespaces/default/serviceaccounts/default",
  ])
    assert.equal(await status(path), 403, path);
  assert.equal(await status("namespaces/default/pods", "DELETE"), 403);
  assert.equal(await status("nodes/edge-1", "DELETE"), 403);
});

test("a watch of one object by its name keeps the selector that was asked for, whatever its end", async () => {
  await using server = await startTestApiServer();
  for (const name of ["one", "two"])
    await server.call("POST", "/api/v1/namespaces/default/configmaps", {
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } },
    });
  const url =
    "/api/v1/namespaces/default/configmaps/one?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const watched = (selector: string): Promise<string[]> =>
    namesUntilBookmark(
      server,
      `${url}&resourceVersionMatch=NotOlderThan&fieldSelector=${encodeURIComponent(selector)}`,
    );
  assert.deepEqual(await watched(""), ["one"]);
  assert.deepEqual(await watched("metadata.namespace=default"), ["one"]);
  assert.deepEqual(await watched("metadata.name=two"), []);
  // The name would be part of this one's value if it came behind.
  assert.deepEqual(await watched("metadata.namespace!=x\\\\"), ["one"]);
});

test("a node reads the volumes of its pods' claims, and attachments to itself", async () => {
  await using server = await startTestApiServer();
  const create = async (path: string, body: object): Promise<void> =>
    assert.equal((await server.call("POST", path, { body })).status, 201, path);
  const volume = (name: string): object => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  });
  for (const name of ["used", "other"]) {
    await create("/api/v1/persistentvolumes", volume(name));
    await create("/api/v1/namespaces/default/persistentvolumeclaims", {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name },
      spec: { volumeName: name, accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
    await create("/apis/storage.k8s.io/v1/volumeattachments", {
      apiVersion: "storage.k8s.io/v1",
      kind: "VolumeAttachment",
      metadata: { name },
      spec: {
        attacher: "x",
        nodeName: name === "used" ? "edge-1" : "edge-2",
        source: { persistentVolumeName: name },
      },
    });
  }
  await create("/api/v1/namespaces/default/pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "db" },
    spec: {
      nodeName: "edge-1",
      containers: [{ name: "c", image: "i" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "used" } }],
    },
  });
  for (const path of [
    "/api/v1/persistentvolumes/",
    "/api/v1/namespaces/default/persistentvolumeclaims/",
    "/apis/storage.k8s.io/v1/volumeattachments/",
  ]) {
    assert.equal((await server.call("GET", `${path}used`, { user })).status, 200, path);
    assert.equal((await server.call("GET", `${path}other`, { user })).status, 403, path);
    assert.equal((await server.call("GET", path.slice(0, -1), { user })).status, 403, path);
  }
});

test("a list or watch of a node's pods has these alone, page by page too", async () => {
  await using server = await startTestApiServer();
  for (let index = 0; index < 9; index++)
    await server.call("POST", "/api/v1/namespaces/default/pods", {
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `pod-${index}`, labels: { odd: String(index % 2) } },
        spec: { ...(index === 8 ? {} : { nodeName: `edge-${index % 2}` }), containers: [{ name: "c", image: "i" }] },
      },
    });
  const names = async (query: string): Promise<{ names: string[]; next: string }> => {
    const { body } = await server.call("GET", `/api/v1/pods?${query}`);
    const items = body["items"] as { metadata: { name: string } }[];
    const next = String((body["metadata"] as { continue?: string }).continue ?? "");
    return { names: items.map(({ metadata }) => metadata.name), next };
  };
  const own = "fieldSelector=spec.nodeName%3Dedge-1";
  assert.deepEqual((await names(own)).names, ["pod-1", "pod-3", "pod-5", "pod-7"]);
  assert.deepEqual((await names(`${own}&labelSelector=odd%3D0`)).names, []);
  assert.deepEqual((await names("fieldSelector=spec.nodeName%3D")).names, ["pod-8"]);
  assert.deepEqual((await names("fieldSelector=spec.nodeName!%3Dedge-1")).names, [
    "pod-0",
    "pod-2",
    "pod-4",
    "pod-6",
    "pod-8",
  ]);
  const url =
    "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  assert.deepEqual(await namesUntilBookmark(server, `${url}&resourceVersionMatch=NotOlderThan&${own}`), [
    "pod-1",
    "pod-3",
    "pod-5",
    "pod-7",
  ]);
  const first = await names(`${own}&limit=3`);
  assert.deepEqual(first.names, ["pod-1", "pod-3", "pod-5"]);
  await server.call("DELETE", "/api/v1/namespaces/default/pods/pod-7?gracePeriodSeconds=0");
  // The second page is of the first one's moment.
  const second = await names(`${own}&limit=3&continue=${encodeURIComponent(first.next)}`);
  assert.deepEqual(second, { names: ["pod-7"], next: "" });
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
