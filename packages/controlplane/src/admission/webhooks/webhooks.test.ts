import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import { WebhookClient } from "../../platform/webhook-client.ts";
import { type ApiObject, objectAt } from "../../registry/api-object.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";
import { patchAnswer, startTestWebhook, type TestWebhook, type WebhookAnswer } from "../../testing/webhook-server.ts";
import { webhooksOf } from "./webhook.ts";

const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const ON_CONFIG_MAPS = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };

interface World extends AsyncDisposable {
  readonly server: TestApiServer;
  readonly webhook: TestWebhook;
  /** Configures a webhook `<name>.example.com`. */
  configure(type: "Mutating" | "Validating", name: string, more: JsonObject): Promise<void>;
}

async function startWorld(answer: WebhookAnswer): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startTestApiServer({ webhooks: new WebhookClient(), kubelet: {} }));
  const webhook = stack.use(await startTestWebhook(answer));
  const running = stack.move();
  return {
    server,
    webhook,
    async configure(type, name, more) {
      const entry = {
        name: `${name}.example.com`,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: webhook.client(),
        rules: [ON_CONFIG_MAPS],
        ...more,
      };
      const body = { metadata: { name }, webhooks: [entry] };
      const url = `${REGISTRATION}/${type.toLowerCase()}webhookconfigurations`;
      const made = await server.call("POST", url, { body });
      assert.equal(made.status, 201, JSON.stringify(made.body));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const named = (name: string, more: JsonObject = {}): JsonObject => ({ metadata: { name }, ...more });
const allow: WebhookAnswer = () => ({ allowed: true });
const deny: WebhookAnswer = () => ({ allowed: false, status: { message: "not here", code: 403, reason: "Forbidden" } });

test("a validating webhook's denial refuses the write in its words, and nothing is stored", async () => {
  await using world = await startWorld(deny);
  await world.configure("Validating", "policy", {});
  const refused = await world.server.call("POST", CONFIG_MAPS, { body: named("a") });
  assert.equal(refused.status, 403);
  assert.equal(refused.body["message"], 'admission webhook "policy.example.com" denied the request: not here');
  assert.equal(refused.body["reason"], "Forbidden");
  assert.equal((await world.server.call("GET", `${CONFIG_MAPS}/a`)).status, 404);
  const [review] = world.webhook.asked;
  assert.deepEqual(review?.["resource"], { group: "", version: "v1", resource: "configmaps" });
  assert.deepEqual(review?.["kind"], { group: "", version: "v1", kind: "ConfigMap" });
  assert.equal(review?.["operation"], "CREATE");
  assert.equal(review?.["namespace"], "default");
  assert.equal(review?.["dryRun"], false);
  assert.deepEqual(objectAt(review, "userInfo")["username"], "kubernetes-admin");
});

test("a selector that cannot be read is refused, and one that was stored before that lets nothing pass", async () => {
  await using world = await startWorld(allow);
  for (const selector of [
    { matchExpressions: [{ key: "a", operator: "Foo" }] },
    { matchExpressions: [{ key: "a", operator: "In", values: [] }] },
    { matchLabels: { "a b": "c" } },
  ])
    for (const member of ["namespaceSelector", "objectSelector"]) {
      const entry = {
        name: "policy.example.com",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: world.webhook.client(),
        [member]: selector,
      };
      const refused = await world.server.call("POST", `${REGISTRATION}/validatingwebhookconfigurations`, {
        body: { metadata: { name: "policy" }, webhooks: [entry] },
      });
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      assert.match(String(refused.body["message"]), new RegExp(`webhooks\\[0\\]\\.${member}\\.match`));
    }
  const [stored] = webhooksOf(
    {
      metadata: { name: "policy" },
      webhooks: [{ name: "a.b.c", namespaceSelector: { matchExpressions: [{ key: "a", operator: "Foo" }] } }],
    } as unknown as ApiObject,
    "validating",
  );
  assert.match(stored?.fault ?? "", /Foo/);
  assert.equal(stored?.matchesNamespace({}), true);
});

test("a denial without a word gets code 400 and says so", async () => {
  await using world = await startWorld(() => ({ allowed: false }));
  await world.configure("Validating", "policy", {});
  const refused = await world.server.call("POST", CONFIG_MAPS, { body: named("a") });
  assert.equal(refused.status, 400);
  assert.equal(
    refused.body["message"],
    'admission webhook "policy.example.com" denied the request without explanation',
  );
});

test("mutating webhooks change what is stored, in the order of their names, and validating ones see it", async () => {
  await using world = await startWorld((request, path) => {
    if (path.startsWith("/check")) return { allowed: true, warnings: ["checked"] };
    const { data = {} } = request["object"] as { data?: Record<string, string> };
    return patchAnswer([{ op: "add", path: "/data", value: { ...data, seen: `${data["seen"] ?? ""}${path[1]}` } }]);
  });
  await world.configure("Mutating", "b", { clientConfig: world.webhook.client("/b") });
  await world.configure("Mutating", "a", { clientConfig: world.webhook.client("/a") });
  await world.configure("Validating", "c", { clientConfig: world.webhook.client("/check") });
  const made = await world.server.send("POST", CONFIG_MAPS, { body: { metadata: { generateName: "x-" } } });
  assert.equal(made.status, 201, String(made.body));
  assert.equal(made.headers["warning"], '299 - "checked"');
  const object = JSON.parse(String(made.body)) as { data: object; metadata: { name: string; uid: string } };
  assert.deepEqual(object.data, { seen: "ab" });
  const last = world.webhook.asked.at(-1)?.["object"] as typeof object;
  assert.deepEqual(last.data, { seen: "ab" });
  assert.equal(last.metadata.uid, object.metadata.uid);
  assert.equal(last.metadata.name, object.metadata.name);
  assert.equal(world.webhook.asked.length, 3);
});

test("a webhook that wants to be asked again is, once, when a later one changed the object", async () => {
  await using world = await startWorld((_request, path) =>
    path.startsWith("/change")
      ? patchAnswer([{ op: "add", path: "/data", value: { side: "car" } }])
      : { allowed: true },
  );
  await world.configure("Mutating", "a", { reinvocationPolicy: "IfNeeded" });
  await world.configure("Mutating", "b", { clientConfig: world.webhook.client("/change") });
  assert.equal((await world.server.call("POST", CONFIG_MAPS, { body: named("a") })).status, 201);
  assert.deepEqual(
    world.webhook.asked.map((request) => (request["object"] as JsonObject)["data"]),
    [undefined, undefined, { side: "car" }],
  );
});

test("one that cannot be reached fails the write in a kube-apiserver's words, or is passed over where it may be", async () => {
  await using world = await startWorld(allow);
  const { port } = world.webhook;
  await world.webhook[Symbol.asyncDispose]();
  await world.configure("Validating", "dead", {});
  const url = `https://127.0.0.1:${port}/?timeout=10s`;
  const refused = await world.server.call("POST", CONFIG_MAPS, { body: named("a") });
  assert.equal(refused.status, 500);
  assert.equal(refused.body["reason"], "InternalError");
  assert.equal(
    refused.body["message"],
    `Internal error occurred: failed calling webhook "dead.example.com": failed to call webhook: Post "${url}": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
  // The configuration itself is never kept from being mended.
  const configuration = `${REGISTRATION}/validatingwebhookconfigurations/dead`;
  const body = [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }];
  const mended = await world.server.call("PATCH", configuration, { body, contentType: "application/json-patch+json" });
  assert.equal(mended.status, 200, JSON.stringify(mended.body));
  assert.equal((await world.server.call("POST", CONFIG_MAPS, { body: named("a") })).status, 201);
});

test("one that does not answer in time, answers with an error or with something else fails the write", async () => {
  const never = new Promise<never>(() => undefined);
  await using world = await startWorld((_request, path) => {
    if (path.startsWith("/late")) return never;
    return path.startsWith("/gone") ? 404 : { allowed: true, uid: "another" };
  });
  const failure = async (path: string, more: JsonObject = {}): Promise<string> => {
    await world.configure("Validating", "w", { clientConfig: world.webhook.client(path), ...more });
    const refused = await world.server.call("POST", CONFIG_MAPS, { body: named("a") });
    assert.equal(refused.status, 500);
    await world.server.call("DELETE", `${REGISTRATION}/validatingwebhookconfigurations/w`);
    return String(refused.body["message"]).replace(/^.*"w.example.com": /, "");
  };
  assert.match(await failure("/late", { timeoutSeconds: 1 }), /\?timeout=1s": context deadline exceeded$/);
  assert.equal(await failure("/gone"), "failed to call webhook: the server could not find the requested resource");
  assert.match(
    await failure("/other"),
    /^received invalid webhook response: expected response.uid="[^"]+", got "another"$/,
  );
  const stranger = { ...world.webhook.client(), caBundle: "" };
  assert.match(await failure("/", { clientConfig: stranger }), /x509: certificate signed by unknown authority$/);
});

test("selectors and match conditions say which objects a webhook is asked about", async () => {
  await using world = await startWorld(deny);
  const { server } = world;
  await server.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "free", labels: { zone: "free" } } } });
  await world.configure("Validating", "w", {
    namespaceSelector: { matchExpressions: [{ key: "zone", operator: "NotIn", values: ["free"] }] },
    objectSelector: { matchLabels: { checked: "yes" } },
    matchConditions: [{ name: "big", expression: "object.metadata.name != 'small' && request.operation == 'CREATE'" }],
  });
  const status = async (namespace: string, metadata: JsonObject): Promise<number> =>
    (await server.call("POST", `/api/v1/namespaces/${namespace}/configmaps`, { body: { metadata } })).status;
  const labels = { checked: "yes" };
  assert.equal(await status("default", { name: "a", labels }), 403);
  assert.equal(await status("default", { name: "b" }), 201);
  assert.equal(await status("free", { name: "c", labels }), 201);
  assert.equal(await status("default", { name: "small", labels }), 201);
  assert.equal(world.webhook.asked.length, 1);
});

test("updates and deletions are reviewed with what was there, and a change in between is reviewed again", async () => {
  let isFirst = true;
  const changeInBetween = async (): Promise<void> => {
    const body = { data: { by: "another" } };
    await world.server.call("PATCH", `${CONFIG_MAPS}/a`, { body, contentType: "application/merge-patch+json" });
  };
  await using world = await startWorld((request) => {
    if (request["operation"] !== "UPDATE" || !isFirst) return { allowed: request["operation"] === "UPDATE" };
    isFirst = false;
    return changeInBetween().then(() => ({ allowed: true })) as unknown as Promise<never>;
  });
  await world.server.call("POST", CONFIG_MAPS, { body: named("a", { data: { a: "1" } }) });
  const rules = [{ ...ON_CONFIG_MAPS, operations: ["UPDATE", "DELETE"] }];
  await world.configure("Validating", "w", { rules });
  const body = { data: { mine: "2" } };
  const patched = await world.server.call("PATCH", `${CONFIG_MAPS}/a`, {
    body,
    contentType: "application/merge-patch+json",
  });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
  assert.deepEqual(patched.body["data"], { a: "1", by: "another", mine: "2" });
  const seen = world.webhook.asked.map((request) => [
    (request["oldObject"] as JsonObject)["data"],
    (request["object"] as JsonObject)["data"],
  ]);
  assert.deepEqual(seen, [
    [{ a: "1" }, { a: "1", mine: "2" }],
    [{ a: "1" }, { a: "1", by: "another" }],
    [
      { a: "1", by: "another" },
      { a: "1", by: "another", mine: "2" },
    ],
  ]);
  const refused = await world.server.call("DELETE", `${CONFIG_MAPS}/a`);
  assert.equal(refused.status, 400, JSON.stringify(refused.body));
  const review = world.webhook.asked.at(-1);
  assert.equal(review?.["object"], null);
  assert.deepEqual((objectAt(review, "oldObject")["data"] as JsonObject)["by"], "another");
  assert.equal((await world.server.call("GET", `${CONFIG_MAPS}/a`)).status, 200);
});

test("a dry run is shown to webhooks as one, and nothing is stored", async () => {
  await using world = await startWorld(allow);
  await world.configure("Validating", "w", {});
  const dry = await world.server.call("POST", `${CONFIG_MAPS}?dryRun=All`, { body: named("a") });
  assert.equal(dry.status, 201);
  assert.equal(world.webhook.asked[0]?.["dryRun"], true);
  assert.equal((await world.server.call("GET", `${CONFIG_MAPS}/a`)).status, 404);
});

test("rules tell subresources from objects: a Scale and an Eviction are shown as such", async () => {
  await using world = await startWorld((request) =>
    request["subResource"] === "scale" && request["operation"] === "UPDATE"
      ? patchAnswer([{ op: "replace", path: "/spec/replicas", value: 2 }])
      : { allowed: false, status: { message: "stays" } },
  );
  const { server } = world;
  const container = { name: "web", image: "web" };
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [container] } };
  const spec = { selector: { matchLabels: { app: "web" } }, template };
  const deployments = "/apis/apps/v1/namespaces/default/deployments";
  await server.call("POST", deployments, { body: named("web", { spec }) });
  await server.call("POST", "/api/v1/namespaces/default/pods", {
    body: named("p", { spec: { containers: [container] } }),
  });
  const rule = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"] };
  await world.configure("Mutating", "w", { rules: [{ ...rule, resources: ["*/scale", "pods/*"] }] });
  const patch = { body: { spec: { replicas: 9 } }, contentType: "application/merge-patch+json" };
  const scaled = await server.call("PATCH", `${deployments}/web/scale`, patch);
  assert.equal(scaled.status, 200, JSON.stringify(scaled.body));
  assert.deepEqual(scaled.body["spec"], { replicas: 2 });
  assert.deepEqual(world.webhook.asked[0]?.["kind"], { group: "autoscaling", version: "v1", kind: "Scale" });
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p", namespace: "default" } };
  const evicted = await server.call("POST", "/api/v1/namespaces/default/pods/p/eviction", { body: eviction });
  assert.equal(evicted.body["message"], 'admission webhook "w.example.com" denied the request: stays');
  const plain = await server.call("PATCH", `${deployments}/web`, patch);
  assert.equal((plain.body["spec"] as JsonObject)["replicas"], 9);
});

test("an exec is shown as PodExecOptions before it is led to the node", async () => {
  await using world = await startWorld((request) => {
    const { command = [] } = request["object"] as { command?: string[] };
    return command[0] === "sh" ? { allowed: false, status: { message: "no shell" } } : { allowed: true };
  });
  const spec = { nodeName: "edge-1", containers: [{ name: "web", image: "web" }] };
  await world.server.call("POST", "/api/v1/namespaces/default/pods", { body: named("p", { spec }) });
  const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CONNECT"], resources: ["pods/exec"] }];
  await world.configure("Validating", "w", { rules });
  const exec = "/api/v1/namespaces/default/pods/p/exec?stdout=true&container=web";
  await assert.rejects(
    world.server.upgradeTarget(`${exec}&command=sh`),
    (error) => isApiError(error) && error.message === 'admission webhook "w.example.com" denied the request: no shell',
  );
  assert.equal((await world.server.upgradeTarget(`${exec}&command=date`)).path, "/exec/default/p/web");
  const [review] = world.webhook.asked;
  assert.deepEqual(review?.["kind"], { group: "", version: "v1", kind: "PodExecOptions" });
  assert.deepEqual(review?.["object"], {
    kind: "PodExecOptions",
    apiVersion: "v1",
    stdout: true,
    container: "web",
    command: ["sh"],
  });
});

test("a rule for one version of a resource reaches the others too, unless it is to be exact", async () => {
  await using world = await startWorld(() => patchAnswer([{ op: "add", path: "/spec/size", value: 3 }]));
  const { server } = world;
  const schema = {
    openAPIV3Schema: {
      type: "object",
      properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
    },
  };
  const version = (name: string): JsonObject => ({ name, served: true, storage: name === "v1", schema });
  const definition = {
    metadata: { name: "boats.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "boats", kind: "Boat" },
      versions: [version("v1"), version("v2")],
    },
  };
  await server.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body: definition });
  const rules = [{ apiGroups: ["example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["boats"] }];
  await world.configure("Mutating", "exact", { rules, matchPolicy: "Exact" });
  const boats = "/apis/example.com/v2/boats";
  const plain = await server.call("POST", boats, { body: named("a", { spec: {} }) });
  assert.deepEqual(plain.body["spec"], {}, JSON.stringify(plain.body));
  await world.configure("Mutating", "same", { rules });
  const changed = await server.call("POST", boats, { body: named("b", { spec: {} }) });
  assert.deepEqual(changed.body["spec"], { size: 3 });
  assert.equal(changed.body["apiVersion"], "example.com/v2");
  const [review] = world.webhook.asked;
  assert.deepEqual(review?.["kind"], { group: "example.com", version: "v1", kind: "Boat" });
  assert.deepEqual(review?.["requestKind"], { group: "example.com", version: "v2", kind: "Boat" });
  assert.equal(objectAt(review, "object")["apiVersion"], "example.com/v1");
});

test("a webhook behind a Service is reached at an endpoint of it, under the Service's name", async () => {
  await using world = await startWorld(deny);
  const { server, webhook } = world;
  const service = { name: "web", namespace: "default", path: "/check", port: 8443 };
  await world.configure("Validating", "w", { clientConfig: { service, caBundle: webhook.caBundle } });
  const create = async (name: string): Promise<string> =>
    String((await server.call("POST", CONFIG_MAPS, { body: named(name) })).body["message"]);
  const failed = `Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https://web.default.svc:8443/check?timeout=10s"`;
  assert.equal(await create("a"), `${failed}: service "web" not found`);
  const spec = { ports: [{ name: "https", port: 8443, targetPort: webhook.port }] };
  await server.call("POST", "/api/v1/namespaces/default/services", { body: named("web", { spec }) });
  assert.equal(await create("a"), `${failed}: no endpoints available for service "web"`);
  const made = await server.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    body: {
      metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
      ports: [{ name: "https", port: webhook.port, protocol: "TCP" }],
    },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(await create("a"), 'admission webhook "w.example.com" denied the request: not here');
});

test("a webhook cannot change who an object is, and what it makes of one is checked as anybody's", async () => {
  await using world = await startWorld((_request, path) =>
    path.startsWith("/name")
      ? patchAnswer([
          { op: "replace", path: "/metadata/name", value: "stolen" },
          { op: "replace", path: "/metadata/uid", value: "stolen" },
        ])
      : patchAnswer([{ op: "add", path: "/metadata/labels", value: { "not a label": "" } }]),
  );
  await world.configure("Mutating", "w", { clientConfig: world.webhook.client("/name") });
  const { body } = await world.server.call("POST", CONFIG_MAPS, { body: named("a") });
  const { name, uid } = body["metadata"] as { name: string; uid: string };
  assert.equal(name, "a");
  assert.notEqual(uid, "stolen");
  await world.configure("Mutating", "x", { clientConfig: world.webhook.client("/label") });
  const refused = await world.server.call("POST", CONFIG_MAPS, { body: named("b") });
  assert.equal(refused.status, 422);
});

test("a webhook configuration gets Kubernetes' defaults, and a wrong one is refused with what is wrong", async () => {
  await using world = await startWorld(allow);
  const url = `${REGISTRATION}/validatingwebhookconfigurations`;
  await world.configure("Validating", "w", {});
  const { body } = await world.server.call("GET", `${url}/w`);
  const [webhook] = body["webhooks"] as JsonObject[];
  for (const [member, value] of Object.entries({
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    timeoutSeconds: 10,
  }))
    assert.equal(webhook?.[member], value);
  const causes = async (more: JsonObject): Promise<string[]> => {
    const entry = { ...webhook, ...more };
    const refused = await world.server.call("POST", url, { body: { metadata: { name: "x" }, webhooks: [entry] } });
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    const { causes: all } = refused.body["details"] as { causes: { field: string; message: string }[] };
    return all.map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(await causes({ clientConfig: {} }), [
    "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
  ]);
  assert.deepEqual(await causes({ timeoutSeconds: 31 }), [
    "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
  ]);
  assert.deepEqual(await causes({ sideEffects: "Unknown" }), [
    'webhooks[0].sideEffects: Unsupported value: "Unknown": supported values: "None", "NoneOnDryRun"',
  ]);
  assert.deepEqual(await causes({ name: "short" }), [
    'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
  ]);
  assert.deepEqual(await causes({ admissionReviewVersions: ["v9"] }), [
    'webhooks[0].admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
  ]);
  assert.deepEqual(await causes({ clientConfig: { url: "http://x.example.com" } }), [
    "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
  ]);
  const [condition] = await causes({ matchConditions: [{ name: "a", expression: "1 +" }] });
  assert.match(
    condition ?? "",
    /^webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: "1 \+": compilation failed/,
  );
});
