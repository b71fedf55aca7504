import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const RECORDED = join(import.meta.dirname, "../../../../fixtures/kubernetes/recorded");
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const APPLY = "application/apply-patch+yaml";

function apply(
  server: TestApiServer,
  manager: string,
  body: JsonValue,
  options = "",
  path = `${DEPLOYMENTS}/edge-app`,
): ReturnType<TestApiServer["send"]> {
  return server.send("PATCH", `${path}?fieldManager=${manager}${options}`, { body, contentType: APPLY });
}

function edgeApp(spec: JsonObject = {}, container: JsonObject = {}): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "edge-app", labels: { app: "edge-app" } },
    spec: {
      selector: { matchLabels: { app: "edge-app" } },
      template: {
        metadata: { labels: { app: "edge-app" } },
        spec: {
          containers: [{ name: "edge-app", image: "a", ports: [{ containerPort: 8080 }], ...container }],
        },
      },
      ...spec,
    },
  };
}

function bodyOf(response: { status: number; body: unknown }): JsonObject {
  const value: unknown = JSON.parse(String(response.body));
  assert.ok(isJsonObject(value as JsonValue));
  return value as JsonObject;
}

/** `metadata.managedFields` without times, which no two runs share. */
function managersOf(object: JsonObject): JsonObject[] {
  const { managedFields = [] } = object["metadata"] as { managedFields?: JsonObject[] };
  return managedFields.map(({ time: _time, ...entry }) => entry);
}

test("creating with kubectl apply yields the managed fields that a real API server was recorded with", async () => {
  await using server = await startTestApiServer();
  let compared = 0;
  for (const line of readFileSync(join(RECORDED, "02-apply.jsonl"), "utf8").split("\n").filter(Boolean)) {
    const { exchanges } = JSON.parse(line) as {
      exchanges: { method: string; url: string; status: number; answer: JsonObject }[];
    };
    for (const { method, url, status, answer } of exchanges) {
      if (method !== "POST" || status !== 201 || !isJsonObject(answer) || url.includes("dryRun")) continue;
      const sent: JsonObject = { ...answer, metadata: withoutServers(answer["metadata"] as JsonObject) };
      delete sent["status"];
      if (answer["kind"] === "Service") sent["spec"] = withoutAddresses(answer["spec"] as JsonObject);
      const made = bodyOf(await server.send("POST", url, { body: sent }));
      assert.deepEqual(managersOf(made), managersOf(answer), url);
      compared++;
    }
  }
  assert.ok(compared >= 4, String(compared));
});

/** What a client sends of a Service: addresses are the server's choice. */
function withoutAddresses({
  clusterIP: _ip,
  clusterIPs: _ips,
  ipFamilies: _families,
  ipFamilyPolicy: _policy,
  ...spec
}: JsonObject): JsonObject {
  return spec;
}

/** What a client sends of an answer's metadata. */
function withoutServers({ name, namespace, labels, annotations }: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries({ name, namespace, labels, annotations }).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}

test("applying makes an object, 201, and its fields are the applier's", async () => {
  await using server = await startTestApiServer();
  const made = await apply(server, "gitops", edgeApp({ replicas: 2 }));
  assert.equal(made.status, 201);
  const [entry] = managersOf(bodyOf(made));
  assert.equal(entry?.["operation"], "Apply");
  assert.deepEqual(entry?.["fieldsV1"], {
    "f:metadata": { "f:labels": { "f:app": {} } },
    "f:spec": {
      "f:replicas": {},
      "f:selector": {},
      "f:template": {
        "f:metadata": { "f:labels": { "f:app": {} } },
        "f:spec": {
          "f:containers": {
            'k:{"name":"edge-app"}': {
              ".": {},
              "f:image": {},
              "f:name": {},
              "f:ports": { 'k:{"containerPort":8080,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
            },
          },
        },
      },
    },
  });
  assert.equal((await apply(server, "gitops", edgeApp({ replicas: 2 }))).status, 200);
});

test("applying what another manager owns is a conflict that names it, until it is forced", async () => {
  await using server = await startTestApiServer();
  await apply(server, "first", edgeApp({ replicas: 1 }));
  const refused = await apply(server, "second", edgeApp({ replicas: 2 }));
  assert.equal(refused.status, 409);
  assert.deepEqual(bodyOf(refused)["details"], {
    causes: [{ reason: "FieldManagerConflict", message: 'conflict with "first"', field: ".spec.replicas" }],
  });
  assert.equal(bodyOf(refused)["message"], 'Apply failed with 1 conflict: conflict with "first": .spec.replicas');
  const forced = bodyOf(await apply(server, "second", edgeApp({ replicas: 2 }), "&force=true"));
  assert.equal((forced["spec"] as JsonObject)["replicas"], 2);
  const [first] = managersOf(forced).filter(({ manager }) => manager === "first");
  assert.ok(first);
  assert.equal(((first["fieldsV1"] as JsonObject)["f:spec"] as JsonObject)["f:replicas"], undefined);
});

test("what a manager no longer applies goes, unless another one owns it too", async () => {
  await using server = await startTestApiServer();
  const env = [{ name: "A", value: "1" }];
  await apply(server, "first", edgeApp({ minReadySeconds: 3, revisionHistoryLimit: 4 }, { env }));
  await apply(server, "second", edgeApp({ revisionHistoryLimit: 4 }));
  const left = bodyOf(await apply(server, "first", edgeApp()))["spec"] as JsonObject;
  assert.equal(left["minReadySeconds"], undefined);
  assert.equal(left["revisionHistoryLimit"], 4);
  const [container] = ((left["template"] as JsonObject)["spec"] as JsonObject)["containers"] as JsonObject[];
  assert.ok(container);
  assert.equal(container["env"], undefined);
});

test("list items with keys are merged one by one, and others' items stay", async () => {
  await using server = await startTestApiServer();
  await apply(server, "first", edgeApp({}, { env: [{ name: "A", value: "1" }] }));
  const merged = bodyOf(await apply(server, "second", edgeApp({}, { env: [{ name: "B", value: "2" }] })));
  const pod = ((merged["spec"] as JsonObject)["template"] as JsonObject)["spec"] as JsonObject;
  const [container] = pod["containers"] as JsonObject[];
  assert.ok(container);
  assert.deepEqual(
    (container["env"] as JsonObject[]).map(({ name }) => name),
    ["A", "B"],
  );
});

test("a configuration with an unknown member, with managed fields or without a manager is refused", async () => {
  await using server = await startTestApiServer();
  const unknown = await apply(server, "m", edgeApp({ replcas: 1 }));
  assert.equal(unknown.status, 400);
  assert.match(String(bodyOf(unknown)["message"]), /\.spec\.replcas: field not declared in schema$/);
  const managed = { ...edgeApp(), metadata: { name: "edge-app", managedFields: [] } };
  assert.equal(bodyOf(await apply(server, "m", managed))["message"], "metadata.managedFields must be nil");
  const nameless = await server.send("PATCH", `${DEPLOYMENTS}/edge-app`, { body: edgeApp(), contentType: APPLY });
  assert.equal(nameless.status, 422);
});

test("an update without a change leaves the object and its version as they are", async () => {
  await using server = await startTestApiServer();
  const made = bodyOf(await server.send("POST", `${DEPLOYMENTS}?fieldManager=a`, { body: edgeApp() }));
  const again = bodyOf(await server.send("PUT", `${DEPLOYMENTS}/edge-app?fieldManager=b`, { body: made }));
  assert.deepEqual(again, made);
});

test("one empty entry takes all managers away, and updates then track none", async () => {
  await using server = await startTestApiServer();
  await apply(server, "m", edgeApp());
  const patch = async (body: JsonValue): Promise<JsonObject> =>
    bodyOf(
      await server.send("PATCH", `${DEPLOYMENTS}/edge-app`, { body, contentType: "application/merge-patch+json" }),
    );
  assert.deepEqual(managersOf(await patch({ metadata: { managedFields: [{}] } })), []);
  assert.deepEqual(managersOf(await patch({ spec: { replicas: 3 } })), []);
});

test("a member that is written as null is owned like any other", async () => {
  await using server = await startTestApiServer();
  const spec = { containers: [{ name: "c", image: "i" }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec };
  assert.equal((await server.send("POST", "/api/v1/namespaces/default/pods", { body: pod })).status, 201);
  const condition = { type: "PodScheduled", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const patched = bodyOf(
    await server.send("PATCH", "/api/v1/namespaces/default/pods/p/status?fieldManager=s", {
      body: { status: { conditions: [condition] } },
      contentType: "application/strategic-merge-patch+json",
    }),
  );
  const entry = managersOf(patched).find(({ manager }) => manager === "s");
  assert.ok(entry);
  assert.match(JSON.stringify(entry["fieldsV1"]), /"f:lastProbeTime":\{\}/);
});
