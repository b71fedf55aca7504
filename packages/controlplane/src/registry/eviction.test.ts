import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const CORE = "/api/v1/namespaces/default";
const BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const MERGE = "application/merge-patch+json";

async function withPod(server: TestApiServer, name: string, isReady: boolean): Promise<void> {
  await server.call("POST", `${CORE}/serviceaccounts`, { body: { metadata: { name: "default" } } });
  const pod = {
    metadata: { name, labels: { app: "web" } },
    spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] },
  };
  await server.call("POST", `${CORE}/pods`, { body: pod });
  const status = { phase: "Running", conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] };
  await server.call("PATCH", `${CORE}/pods/${name}/status`, { body: { status }, contentType: MERGE });
}

async function withBudget(server: TestApiServer, name: string, status: object, spec: object = {}): Promise<void> {
  const body = { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } }, ...spec } };
  await server.call("POST", BUDGETS, { body });
  const counted = { observedGeneration: 1, expectedPods: 2, ...status };
  await server.call("PATCH", `${BUDGETS}/${name}/status`, { body: { status: counted }, contentType: MERGE });
}

const evict = (server: TestApiServer, name: string, query = ""): ReturnType<TestApiServer["call"]> =>
  server.call("POST", `${CORE}/pods/${name}/eviction${query}`, {
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } },
  });
const disruptionsAllowed = async (server: TestApiServer): Promise<unknown> =>
  ((await server.call("GET", `${BUDGETS}/b`)).body["status"] as Record<string, unknown>)["disruptionsAllowed"];

test("an eviction that would violate a budget is refused with 429 and the reason", async () => {
  await using server = await startTestApiServer();
  await withPod(server, "a", true);
  await withBudget(server, "b", { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 });
  const { status, body } = await evict(server, "a");
  assert.equal(status, 429);
  assert.equal(body["message"], "Cannot evict pod as it would violate the pod's disruption budget.");
  assert.deepEqual((body["details"] as { causes: unknown }).causes, [
    { reason: "DisruptionBudget", message: "The disruption budget b needs 2 healthy pods and has 2 currently" },
  ]);
});

test("an eviction that a budget allows is taken off it and marks the pod", async () => {
  await using server = await startTestApiServer();
  await withPod(server, "a", true);
  await withBudget(server, "b", { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
  assert.equal((await evict(server, "a", "?dryRun=All")).status, 201);
  assert.equal(await disruptionsAllowed(server), 1);
  assert.equal((await evict(server, "a")).status, 201);
  assert.equal(await disruptionsAllowed(server), 0);
  const { body } = await server.call("GET", `${CORE}/pods/a`);
  assert.notEqual((body["metadata"] as Record<string, unknown>)["deletionTimestamp"], undefined);
  const { conditions } = body["status"] as { conditions: { type: string }[] };
  assert.ok(conditions.some(({ type }) => type === "DisruptionTarget"));
});

test("a budget that was changed and not counted yet lets nobody go", async () => {
  await using server = await startTestApiServer();
  await withPod(server, "a", true);
  await withBudget(server, "b", { disruptionsAllowed: 1, observedGeneration: 0 });
  const { status, body } = await evict(server, "a");
  assert.equal(status, 429);
  assert.equal((body["details"] as { retryAfterSeconds: unknown }).retryAfterSeconds, 10);
});

test("a pod that is not ready goes when enough others are, or when its budget always allows it", async () => {
  await using server = await startTestApiServer();
  await withPod(server, "a", false);
  await withBudget(server, "b", { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 });
  assert.equal((await evict(server, "a")).status, 429);
  const spec = { unhealthyPodEvictionPolicy: "AlwaysAllow" };
  await server.call("PATCH", `${BUDGETS}/b`, { body: { spec }, contentType: MERGE });
  assert.equal((await evict(server, "a")).status, 201);
});

test("a pod with two budgets cannot be evicted, and one without any can", async () => {
  await using server = await startTestApiServer();
  await withPod(server, "a", true);
  await withBudget(server, "b", { disruptionsAllowed: 1 });
  await withBudget(server, "c", { disruptionsAllowed: 1 });
  assert.equal((await evict(server, "a")).status, 500);
  for (const name of ["b", "c"]) await server.call("DELETE", `${BUDGETS}/${name}`);
  assert.equal((await evict(server, "a")).status, 201);
});
