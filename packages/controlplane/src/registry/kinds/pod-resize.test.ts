import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { startTestApiServer } from "../../testing/test-api-server.ts";

const PODS = "/api/v1/namespaces/default/pods";
const RESIZE = `${PODS}/web/resize`;
const resources = { limits: { cpu: "1", memory: "64Mi" }, requests: { cpu: "500m", memory: "64Mi" } };
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "app", image: "app:1", resources }] },
};

type TestServer = Awaited<ReturnType<typeof startTestApiServer>>;

function resize(server: TestServer, container: JsonObject): ReturnType<TestServer["call"]> {
  return server.call("PATCH", RESIZE, {
    body: { spec: { containers: [{ name: "app", ...container }] } },
    contentType: "application/strategic-merge-patch+json",
  });
}

test("pods/resize changes the resources of a container, and nothing else of the pod", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod });
  const { status, body } = await resize(server, { image: "evil", resources: { limits: { cpu: "2" } } });
  assert.equal(status, 200, JSON.stringify(body));
  const [container] = (body["spec"] as { containers: JsonObject[] }).containers;
  assert.equal(container?.["image"], "app:1");
  assert.deepEqual(container?.["resources"], { ...resources, limits: { cpu: "2", memory: "64Mi" } });
  assert.equal((body["metadata"] as JsonObject)["generation"], 2);
  const read = await server.call("GET", RESIZE);
  assert.deepEqual(read.body["spec"], body["spec"]);
});

test("pods/resize neither changes the quality of service nor other resources, nor takes a limit away", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod });
  const refused = async (pattern: RegExp, changed: JsonObject): Promise<void> => {
    const { status, body } = await resize(server, { resources: changed });
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(String(body["message"]), pattern);
  };
  await refused(/QOS Class may not change/, { requests: { cpu: "1" } });
  await refused(/only cpu and memory resources are mutable/, { limits: { "example.com/gpu": "1" } });
  await refused(/resource limits cannot be removed/, { limits: { cpu: null } });
});

test("a pod's resources cannot be changed without the subresource", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", PODS, { body: pod });
  const { status } = await server.call("PATCH", `${PODS}/web`, {
    body: { spec: { containers: [{ name: "app", resources: { limits: { cpu: "2" } } }] } },
    contentType: "application/strategic-merge-patch+json",
  });
  assert.equal(status, 422);
});
