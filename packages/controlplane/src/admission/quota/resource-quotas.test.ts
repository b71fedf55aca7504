import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

const CORE = "/api/v1/namespaces/default";

interface Usage {
  readonly hard: Record<string, string>;
  readonly used: Record<string, string>;
}

async function started(): Promise<TestApiServer> {
  const server = await startTestApiServer();
  await server.call("POST", `${CORE}/serviceaccounts`, { body: { metadata: { name: "default" } } });
  return server;
}

const pod = (name: string, resources: object = {}, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "i", resources }], ...spec },
});
const quota = (name: string, hard: Record<string, string>, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name },
  spec: { hard, ...spec },
});
async function usage(server: TestApiServer, name: string): Promise<Usage> {
  const { body } = await server.call("GET", `${CORE}/resourcequotas/${name}`);
  return body["status"] as Usage;
}
const make = (server: TestApiServer, path: string, body: object): ReturnType<TestApiServer["call"]> =>
  server.call("POST", `${CORE}/${path}`, { body });

test("a quota shows at once what is used of it, and its controller owns what it shows", async () => {
  await using server = await started();
  await make(server, "pods", pod("one", { requests: { cpu: "100m", memory: "64Mi" } }));
  await make(server, "resourcequotas", quota("q", { pods: "2", "requests.cpu": "1", "requests.memory": "1.5Gi" }));
  assert.deepEqual(await usage(server, "q"), {
    hard: { pods: "2", "requests.cpu": "1", "requests.memory": "1536Mi" },
    used: { pods: "1", "requests.cpu": "100m", "requests.memory": "64Mi" },
  });
  const { body } = await server.call("GET", `${CORE}/resourcequotas/q`);
  const { managedFields } = body["metadata"] as { managedFields: Record<string, unknown>[] };
  assert.ok(
    managedFields.some(({ manager, subresource }) => manager === "kube-controller-manager" && subresource === "status"),
  );
});

test("what exceeds a quota is refused in Kubernetes' words, and what goes makes room", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("q", { pods: "1", configmaps: "5" }));
  assert.equal((await make(server, "pods", pod("one"))).status, 201);
  const refused = await make(server, "pods", pod("two"));
  assert.equal(refused.status, 403);
  assert.equal(
    refused.body["message"],
    'pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  );
  await server.call("DELETE", `${CORE}/pods/one`);
  assert.equal((await usage(server, "q")).used["pods"], "0");
  assert.equal((await make(server, "pods", pod("two"))).status, 201);
});

test("several exceeded resources are told in order of their names", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("q", { "limits.memory": "1Gi", cpu: "500m", pods: "9" }));
  const { body } = await make(server, "pods", pod("big", { requests: { cpu: "1" }, limits: { memory: "2Gi" } }));
  assert.equal(
    body["message"],
    'pods "big" is forbidden: exceeded quota: q, requested: cpu=1,limits.memory=2Gi, used: cpu=0,limits.memory=0, limited: cpu=500m,limits.memory=1Gi',
  );
});

test("under a quota of compute resources each container must say what it wants", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("q", { cpu: "1", "limits.memory": "1Gi" }));
  const { body } = await make(server, "pods", pod("silent"));
  assert.equal(
    body["message"],
    'pods "silent" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c',
  );
});

test("a dry run and a refused write use nothing", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("q", { pods: "1" }));
  assert.equal((await make(server, "pods?dryRun=All", pod("one"))).status, 201);
  assert.equal((await make(server, "pods", pod("Bad name"))).status, 422);
  assert.equal((await usage(server, "q")).used["pods"], "0");
});

test("a pod that has ended no longer counts as a pod, but still as an object", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("q", { pods: "1", "count/pods": "2" }));
  await make(server, "pods", pod("one"));
  const ended = { status: { phase: "Succeeded" } };
  await server.call("PATCH", `${CORE}/pods/one/status`, {
    body: ended,
    contentType: "application/merge-patch+json",
  });
  assert.deepEqual((await usage(server, "q")).used, { pods: "0", "count/pods": "1" });
});

test("objects of any kind are counted by count/…, services by what they open, claims by their size", async () => {
  await using server = await started();
  const hard = {
    "count/deployments.apps": "1",
    services: "3",
    "services.nodeports": "1",
    "requests.storage": "5Gi",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    resourcequotas: "1",
  };
  await make(server, "resourcequotas", quota("q", hard));
  const service = { metadata: { name: "s" }, spec: { type: "NodePort", ports: [{ port: 80 }] } };
  await make(server, "services", service);
  const claim = {
    metadata: { name: "c" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "fast",
      resources: { requests: { storage: "2Gi" } },
    },
  };
  await make(server, "persistentvolumeclaims", claim);
  assert.deepEqual((await usage(server, "q")).used, {
    "count/deployments.apps": "0",
    services: "2",
    "services.nodeports": "1",
    "requests.storage": "2Gi",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    resourcequotas: "1",
  });
  const second = await make(server, "resourcequotas", quota("p", { pods: "1" }));
  assert.match(String(second.body["message"]), /exceeded quota: q, requested: resourcequotas=1/);
});

test("a quota with scopes counts only the pods that it speaks of", async () => {
  await using server = await started();
  await make(server, "resourcequotas", quota("best", { pods: "9" }, { scopes: ["BestEffort"] }));
  await make(server, "resourcequotas", quota("short", { pods: "9" }, { scopes: ["Terminating", "NotBestEffort"] }));
  const scopeSelector = { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] };
  await make(server, "resourcequotas", quota("high", { pods: "0" }, { scopeSelector }));
  const high = { metadata: { name: "high" }, value: 10 };
  await server.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { body: high });
  await make(server, "pods", pod("a"));
  await make(server, "pods", pod("b", { requests: { cpu: "1" } }, { activeDeadlineSeconds: 5 }));
  assert.equal((await usage(server, "best")).used["pods"], "1");
  assert.equal((await usage(server, "short")).used["pods"], "1");
  assert.equal((await make(server, "pods", pod("c", {}, { priorityClassName: "high" }))).status, 403);
});

test("a quota whose bounds change is counted anew", async () => {
  await using server = await started();
  await make(server, "pods", pod("one"));
  await make(server, "resourcequotas", quota("q", { pods: "2" }));
  const body = { spec: { hard: { pods: "5", secrets: "3" } } };
  await server.call("PATCH", `${CORE}/resourcequotas/q`, { body, contentType: "application/merge-patch+json" });
  assert.deepEqual(await usage(server, "q"), {
    hard: { pods: "5", secrets: "3" },
    used: { pods: "1", secrets: "0" },
  });
});
