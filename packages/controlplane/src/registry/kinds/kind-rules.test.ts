import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

const CORE = "/api/v1/namespaces/default";
const APPS = "/apis/apps/v1/namespaces/default";

async function made(server: TestApiServer, url: string, body: object): Promise<Record<string, unknown>> {
  const answer = await server.call("POST", url, { body: { metadata: { name: "x" }, ...body } });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

/** What a merge patch of the object `x` is refused with; nothing when it is not. */
async function refusalOf(server: TestApiServer, url: string, body: object): Promise<string> {
  const { status, body: answer } = await server.call("PATCH", `${url}/x`, {
    body,
    contentType: "application/merge-patch+json",
  });
  return status === 200 ? "" : String(answer["message"]).replace(/^.* is invalid: /, "");
}

test("a ConfigMap or Secret that is immutable stays so, with its data, but takes labels", async () => {
  await using server = await startTestApiServer();
  for (const resource of ["configmaps", "secrets"]) {
    const url = `${CORE}/${resource}`;
    await made(server, url, { data: { a: "MQ==" } });
    assert.equal(await refusalOf(server, url, { data: { a: "Mg==" } }), "");
    assert.equal(await refusalOf(server, url, { immutable: true }), "");
    const told = "Forbidden: field is immutable when `immutable` is set";
    assert.equal(await refusalOf(server, url, { data: { b: "MQ==" } }), `data: ${told}`);
    assert.equal(await refusalOf(server, url, { immutable: false }), `immutable: ${told}`);
    assert.equal(await refusalOf(server, url, { metadata: { labels: { a: "b" } } }), "");
  }
  assert.equal(
    await refusalOf(server, `${CORE}/secrets`, { type: "example.com/other" }),
    'type: Invalid value: "example.com/other": field is immutable',
  );
});

test("what makes pods keeps the selector that it knows them by", async () => {
  await using server = await startTestApiServer();
  for (const [resource, kind] of [
    ["deployments", "Deployment"],
    ["replicasets", "ReplicaSet"],
    ["daemonsets", "DaemonSet"],
  ]) {
    const url = `${APPS}/${resource}`;
    const labels = { app: "x", tier: "front" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
    await made(server, url, { spec: { selector: { matchLabels: { app: "x" } }, template } });
    assert.equal(
      await refusalOf(server, url, { spec: { selector: { matchLabels: { tier: "front" } } } }),
      'spec.selector: Invalid value: {"matchLabels":{"app":"x","tier":"front"}}: field is immutable',
      kind,
    );
    assert.equal(await refusalOf(server, url, { spec: { minReadySeconds: 3 } }), "", kind);
  }
});

test("a ReplicationController without labels and selector has those of its pods", async () => {
  await using server = await startTestApiServer();
  const labels = { app: "x" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
  const { metadata, spec } = await made(server, `${CORE}/replicationcontrollers`, { spec: { template } });
  assert.deepEqual((metadata as { labels: object }).labels, labels);
  assert.deepEqual((spec as { selector: object }).selector, labels);
  const wrong = { metadata: { name: "y" }, spec: { selector: { app: "y" }, template } };
  const { status, body } = await server.call("POST", `${CORE}/replicationcontrollers`, { body: wrong });
  assert.equal(status, 422);
  assert.match(String(body["message"]), /`selector` does not match template `labels`/);
});

test("pods of a StatefulSet may mount what its claim templates make, and nothing that nobody makes", async () => {
  await using server = await startTestApiServer();
  const url = `${APPS}/statefulsets`;
  const volumeMounts = [{ name: "data", mountPath: "/data" }];
  const template = {
    metadata: { labels: { app: "x" } },
    spec: { containers: [{ name: "c", image: "i", volumeMounts }] },
  };
  const claim = { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
  const spec = { serviceName: "x", selector: { matchLabels: { app: "x" } }, template };
  const withClaim = (name: string): object => ({
    metadata: { name: "x" },
    spec: { ...spec, volumeClaimTemplates: [{ metadata: { name }, ...claim }] },
  });
  const refused = await server.call("POST", url, { body: withClaim("other") });
  assert.equal(refused.status, 422);
  assert.match(String(refused.body["message"]), /volumeMounts\[0\]\.name: Not found: "data"/);
  assert.equal((await server.call("POST", url, { body: withClaim("data") })).status, 201);
});

test("a StatefulSet changes only what Kubernetes lets it", async () => {
  await using server = await startTestApiServer();
  const url = `${APPS}/statefulsets`;
  const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  await made(server, url, { spec: { serviceName: "x", selector: { matchLabels: { app: "x" } }, template } });
  const told =
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  for (const spec of [
    { serviceName: "y" },
    { podManagementPolicy: "Parallel" },
    { selector: { matchLabels: { a: "b" } } },
  ])
    assert.ok((await refusalOf(server, url, { spec })).includes(told));
  assert.equal(await refusalOf(server, url, { spec: { replicas: 3, minReadySeconds: 1 } }), "");
});

test("a Service keeps its address until it becomes a name, and gets one when it was a name", async () => {
  await using server = await startTestApiServer();
  const url = `${CORE}/services`;
  const { spec } = (await made(server, url, { spec: { ports: [{ port: 80 }] } })) as { spec: { clusterIP: string } };
  assert.match(spec.clusterIP, /^10\.96\./);
  const told = 'spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set';
  assert.equal(await refusalOf(server, url, { spec: { clusterIP: "10.96.9.9" } }), told);
  assert.equal(await refusalOf(server, url, { spec: { clusterIP: "10.96.9.9", clusterIPs: ["10.96.9.9"] } }), told);
  assert.equal(await refusalOf(server, url, { spec: { type: "NodePort" } }), "");
  const addressOf = async (): Promise<unknown> =>
    ((await server.call("GET", `${url}/x`)).body["spec"] as Record<string, unknown>)["clusterIP"];
  assert.equal(await addressOf(), spec.clusterIP);
  assert.equal(await refusalOf(server, url, { spec: { type: "ExternalName", externalName: "a.example" } }), "");
  assert.equal(await addressOf(), undefined);
  assert.equal(await refusalOf(server, url, { spec: { type: "ClusterIP", externalName: null } }), "");
  assert.match(String(await addressOf()), /^10\.96\./);
});
