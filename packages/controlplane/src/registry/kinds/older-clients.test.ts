import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

// Clients in Go write out members that nobody set, as 0, "" or null: they mean the default. Others say what was said once.

const CORE = "/api/v1/namespaces/default";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

async function specOf<T>(server: TestApiServer, url: string, name: string, body: object): Promise<T> {
  const answer = await server.call("POST", url, { body: { metadata: { name }, ...body } });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return (answer.body["spec"] ?? answer.body) as T;
}

test("a Service's target port is its port when it is 0, empty or null", async () => {
  await using server = await startTestApiServer();
  for (const [index, targetPort] of [0, "", null].entries()) {
    const { ports } = await specOf<{ ports: object[] }>(server, `${CORE}/services`, `s${index}`, {
      spec: { ports: [{ port: 80, targetPort }] },
    });
    assert.deepEqual(ports, [{ port: 80, protocol: "TCP", targetPort: 80 }]);
  }
});

test("a role binding's API groups are RBAC's when they are empty", async () => {
  await using server = await startTestApiServer();
  const apiGroup = "rbac.authorization.k8s.io";
  const binding = await specOf<{ roleRef: object; subjects: object[] }>(server, `${RBAC}/clusterrolebindings`, "x", {
    roleRef: { apiGroup: "", kind: "ClusterRole", name: "view" },
    subjects: [
      { apiGroup: "", kind: "User", name: "u" },
      { apiGroup: "", kind: "Group", name: "g" },
    ],
  });
  assert.deepEqual(binding.roleRef, { apiGroup, kind: "ClusterRole", name: "view" });
  assert.deepEqual(binding.subjects, [
    { apiGroup, kind: "User", name: "u" },
    { apiGroup, kind: "Group", name: "g" },
  ]);
});

test("a CRD's singular and list kind follow from its kind when they are empty", async () => {
  await using server = await startTestApiServer();
  const { names } = await specOf<{ names: object }>(server, CRDS, "gadgets.example.org", {
    spec: {
      group: "example.org",
      scope: "Namespaced",
      names: { plural: "gadgets", kind: "Gadget", singular: "", listKind: "" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  });
  assert.deepEqual(names, { plural: "gadgets", kind: "Gadget", singular: "gadget", listKind: "GadgetList" });
});

test("a probe has its defaults where numbers are 0, and path and scheme empty", async () => {
  await using server = await startTestApiServer();
  const zeros = { timeoutSeconds: 0, periodSeconds: 0, successThreshold: 0, failureThreshold: 0 };
  const livenessProbe = { ...zeros, httpGet: { path: "", scheme: "", port: 80 } };
  const spec = await specOf<{ containers: { livenessProbe: object }[] }>(server, `${CORE}/pods`, "x", {
    spec: { containers: [{ name: "c", image: "i", livenessProbe }] },
  });
  assert.deepEqual(spec.containers[0]?.livenessProbe, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    httpGet: { path: "/", scheme: "HTTP", port: 80 },
  });
});

test("a quantity that is empty has no default, and is refused", async () => {
  await using server = await startTestApiServer();
  const resources = { limits: { cpu: "1" }, requests: { cpu: "" } };
  const body = { metadata: { name: "x" }, spec: { containers: [{ name: "c", image: "i", resources }] } };
  assert.ok((await server.call("POST", `${CORE}/pods`, { body })).status >= 400);
});

test("a token is bound to nothing when its bound object is null", async () => {
  await using server = await startTestApiServer();
  await specOf(server, `${CORE}/serviceaccounts`, "x", {});
  const answer = await server.call("POST", `${CORE}/serviceaccounts/x/token`, {
    body: { spec: { audiences: null, expirationSeconds: 600, boundObjectRef: null } },
  });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
});

test("a pod that is given less than no time to end has one second", async () => {
  await using server = await startTestApiServer();
  const spec = await specOf<{ terminationGracePeriodSeconds: number }>(server, `${CORE}/pods`, "x", {
    spec: { terminationGracePeriodSeconds: -1, containers: [{ name: "c", image: "i" }] },
  });
  assert.equal(spec.terminationGracePeriodSeconds, 1);
});

test("a variable may ask for the node's name by the older spec.host", async () => {
  await using server = await startTestApiServer();
  const env = [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.host" } } }];
  const spec = await specOf<{ containers: { env: object[] }[] }>(server, `${CORE}/pods`, "x", {
    spec: { containers: [{ name: "c", image: "i", env }] },
  });
  assert.deepEqual(spec.containers[0]?.env, [
    { name: "NODE", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "spec.nodeName" } } },
  ]);
});
