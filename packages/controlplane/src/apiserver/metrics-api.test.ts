import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";
import type { KubeletAnswer, KubeletConnector, KubeletTarget } from "./pod-streams.ts";

const time = "2026-01-31T08:00:00.123Z";
const use = (cores: number, bytes: number): JsonObject => ({
  cpu: { time, usageNanoCores: cores, usageCoreNanoSeconds: 1 },
  memory: { time, workingSetBytes: bytes },
});
const summary = JSON.stringify({
  node: { nodeName: "edge-1", ...use(250_000_000, 1024 * 1024) },
  pods: [
    {
      podRef: { name: "web", namespace: "default", uid: "u" },
      ...use(5, 2048),
      containers: [{ name: "app", ...use(5, 2048) }],
    },
    { podRef: { name: "gone", namespace: "default", uid: "v" }, ...use(5, 2048), containers: [] },
  ],
});

/** Nodes of which only `edge-1` answers. */
class Nodes implements Pick<KubeletConnector, "get"> {
  readonly asked: (string | undefined)[] = [];

  async get({ nodeName }: KubeletTarget): Promise<KubeletAnswer> {
    this.asked.push(nodeName);
    const text = nodeName === "edge-1" ? summary : "is offline";
    const body = (async function* () {
      yield new TextEncoder().encode(text);
    })();
    return { status: nodeName === "edge-1" ? 200 : 503, body, contentType: "application/json" };
  }
}

async function cluster(nodes: Nodes): Promise<TestApiServer> {
  const server = await startTestApiServer({ kubelet: nodes });
  for (const name of ["edge-1", "edge-2"])
    await server.call("POST", "/api/v1/nodes", { body: { metadata: { name, labels: { zone: name } } } });
  for (const [name, nodeName] of [
    ["web", "edge-1"],
    ["other", "edge-2"],
  ])
    await server.call("POST", "/api/v1/namespaces/default/pods", {
      body: {
        metadata: { name, labels: { app: name }, annotations: { "kubernetes.io/config.mirror": "x" } },
        spec: { nodeName, containers: [{ name: "app", image: "x" }] },
      },
    });
  return server;
}

test("kubectl top finds the nodes and pods that could be measured, each node asked once", async () => {
  const nodes = new Nodes();
  await using server = await cluster(nodes);
  const base = "/apis/metrics.k8s.io/v1beta1";
  const { body: list } = await server.call("GET", `${base}/nodes`);
  assert.equal(list["kind"], "NodeMetricsList");
  const items = list["items"] as JsonObject[];
  assert.deepEqual(
    items.map(({ metadata, usage }) => [(metadata as JsonObject)["name"], usage]),
    [["edge-1", { cpu: "250000000n", memory: "1024Ki" }]],
  );
  const { body: pods } = await server.call("GET", `${base}/pods`);
  assert.deepEqual(
    (pods["items"] as JsonObject[]).map(({ metadata, containers }) => [(metadata as JsonObject)["name"], containers]),
    [["web", [{ name: "app", usage: { cpu: "5n", memory: "2Ki" } }]]],
  );
  assert.deepEqual(nodes.asked.sort(), ["edge-1", "edge-2"]);
  const { body: one } = await server.call("GET", `${base}/namespaces/default/pods/web`);
  assert.equal(one["kind"], "PodMetrics");
});

test("a label selector chooses, what is not measured is not found, and nothing can be written", async () => {
  await using server = await cluster(new Nodes());
  const base = "/apis/metrics.k8s.io/v1beta1";
  const { body } = await server.call("GET", `${base}/namespaces/default/pods?labelSelector=app%3Dother`);
  assert.deepEqual(body["items"], []);
  assert.equal((await server.call("GET", `${base}/nodes/edge-2`)).status, 404);
  assert.equal((await server.call("GET", `${base}/secrets`)).status, 404);
  assert.equal((await server.call("POST", `${base}/nodes`, { body: {} })).status, 405);
  const stranger = { username: "somebody", groups: ["system:authenticated"] };
  assert.equal((await server.call("GET", `${base}/nodes`, { user: stranger })).status, 403);
});

test("discovery names metrics.k8s.io only where nodes can be asked", async () => {
  await using server = await cluster(new Nodes());
  const { body } = await server.call("GET", "/apis/metrics.k8s.io/v1beta1");
  assert.deepEqual(
    (body["resources"] as JsonObject[]).map(({ name, verbs }) => [name, verbs]),
    [
      ["nodes", ["get", "list"]],
      ["pods", ["get", "list"]],
    ],
  );
  await using without = await startTestApiServer();
  assert.equal((await without.send("GET", "/apis/metrics.k8s.io/v1beta1")).status, 404);
});

test("a node's proxy leads to that node, for those who may", async () => {
  const nodes = new Nodes();
  await using server = await cluster(nodes);
  const answer = await server.send("GET", "/api/v1/nodes/edge-1/proxy/stats/summary");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal((await server.call("GET", "/api/v1/nodes/edge-2/proxy/stats/summary")).status, 503);
  const stranger = { username: "somebody", groups: ["system:authenticated"] };
  assert.equal((await server.call("GET", "/api/v1/nodes/edge-1/proxy/metrics", { user: stranger })).status, 403);
  assert.deepEqual(nodes.asked, ["edge-1", "edge-2"]);
});
