import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { startTestApiServer } from "../../testing/test-api-server.ts";

const PODS = "/api/v1/namespaces/default/pods";
const EPHEMERAL = `${PODS}/web/ephemeralcontainers`;

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "app", image: "app:1" }] },
};

type TestServer = Awaited<ReturnType<typeof startTestApiServer>>;

/** What `kubectl debug` sends. */
function add(server: TestServer, ...containers: readonly JsonObject[]): ReturnType<TestServer["call"]> {
  return server.call("PATCH", EPHEMERAL, {
    body: { spec: { ephemeralContainers: [...containers] } },
    contentType: "application/strategic-merge-patch+json",
  });
}

test("ephemeral containers are added one by one, with defaults, and nothing else of the pod changes", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod });
  const first = await add(server, { name: "a", image: "debug", targetContainerName: "app", stdin: true, tty: true });
  assert.equal(first.status, 200, JSON.stringify(first.body));
  const second = await add(server, { name: "b", image: "debug:2" });
  assert.equal(second.status, 200, JSON.stringify(second.body));
  const { spec, metadata } = second.body as unknown as {
    spec: { ephemeralContainers: JsonObject[]; containers: JsonObject[] };
    metadata: { generation: number };
  };
  assert.deepEqual(spec.ephemeralContainers.map(({ name, imagePullPolicy }) => [name, imagePullPolicy]).sort(), [
    ["a", "Always"],
    ["b", "IfNotPresent"],
  ]);
  assert.equal(metadata.generation, 3);
  const sneaked = await server.call("PATCH", EPHEMERAL, {
    body: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "app", image: "evil" }] } },
    contentType: "application/strategic-merge-patch+json",
  });
  const after = sneaked.body as unknown as typeof second.body;
  assert.deepEqual(after["spec"], second.body["spec"]);
  assert.equal((after["metadata"] as JsonObject)["labels"], undefined);
  const read = await server.call("GET", EPHEMERAL);
  assert.deepEqual(read.body["spec"], second.body["spec"]);
});

test("ephemeral containers can be neither changed nor removed, nor be more than something to look with", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod });
  await add(server, { name: "a", image: "debug" });
  const refused = async (pattern: RegExp, ...containers: readonly JsonObject[]): Promise<void> => {
    const { status, body } = await add(server, ...containers);
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(String(body["message"]), pattern);
  };
  await refused(/"a" may not be changed/, { name: "a", image: "other" });
  await refused(/Duplicate value: "app"/, { name: "app", image: "debug" });
  await refused(/Required value/, { name: "c" });
  await refused(/targetContainerName: Not found: "nosuch"/, { name: "c", image: "d", targetContainerName: "nosuch" });
  await refused(/ports: Forbidden/, { name: "c", image: "d", ports: [{ containerPort: 80 }] });
  await refused(/resources: Forbidden/, { name: "c", image: "d", resources: { limits: { cpu: "1" } } });
  const current = (await server.call("GET", EPHEMERAL)).body;
  const spec = { ...(current["spec"] as JsonObject), ephemeralContainers: [] };
  const removed = await server.call("PUT", EPHEMERAL, { body: { ...current, spec } });
  assert.equal(removed.status, 422);
  assert.match(String(removed.body["message"]), /"a" may not be removed/);
});

test("a pod cannot be made with ephemeral containers, nor get them by an ordinary change", async () => {
  await using server = await startTestApiServer();
  const ephemeralContainers = [{ name: "a", image: "debug" }];
  const born = await server.call("POST", PODS, { body: { ...pod, spec: { ...pod.spec, ephemeralContainers } } });
  assert.equal(born.status, 422);
  assert.match(String(born.body["message"]), /ephemeralContainers: Forbidden: cannot be set on create/);
  await server.call("POST", PODS, { body: pod });
  const changed = await server.call("PATCH", `${PODS}/web`, {
    body: { spec: { ephemeralContainers } },
    contentType: "application/strategic-merge-patch+json",
  });
  assert.equal(changed.status, 422);
});
