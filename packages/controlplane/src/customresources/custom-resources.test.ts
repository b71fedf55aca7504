import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";
import { parseJsonPath, valuesAt } from "./json-path.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GADGETS = "/apis/example.org/v1/namespaces/default/gadgets";

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.org" },
  spec: {
    group: "example.org",
    scope: "Namespaced",
    names: { plural: "gadgets", kind: "Gadget", shortNames: ["gd"], categories: ["all"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [{ name: "Level", type: "integer", jsonPath: ".spec.level" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: {
                type: "object",
                required: ["mode"],
                properties: {
                  mode: { type: "string", enum: ["on", "off"] },
                  level: { type: "integer", minimum: 0, maximum: 9, default: 3 },
                  port: { "x-kubernetes-int-or-string": true },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                },
              },
              status: { type: "object", properties: { phase: { type: "string" } } },
            },
          },
        },
      },
    ],
  },
};

const gadget = (name: string, spec: object): object => ({
  apiVersion: "example.org/v1",
  kind: "Gadget",
  metadata: { name },
  spec,
});

async function withGadgets(): Promise<TestApiServer> {
  const server = await startTestApiServer();
  const { status, body } = await server.call("POST", CRDS, { body: definition });
  assert.equal(status, 201, JSON.stringify(body));
  return server;
}

test("a CRD is established at once and its kind is discovered, listed and described", async () => {
  await using server = await withGadgets();
  const { body } = await server.call("GET", `${CRDS}/gadgets.example.org`);
  const status = body["status"] as { conditions: { type: string; status: string }[]; storedVersions: string[] };
  assert.ok(status.conditions.some((condition) => condition.type === "Established" && condition.status === "True"));
  assert.deepEqual(status.storedVersions, ["v1"]);
  const list = await server.call("GET", "/apis/example.org/v1");
  const names = (list.body["resources"] as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names, ["gadgets", "gadgets/status"]);
  const openApi = await server.call("GET", "/openapi/v3/apis/example.org/v1");
  const schemas = (openApi.body["components"] as { schemas: Record<string, unknown> }).schemas;
  assert.ok("org.example.v1.Gadget" in schemas);
  const table = await server.call("GET", GADGETS, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
  });
  assert.deepEqual(
    (table.body["columnDefinitions"] as { name: string }[]).map(({ name }) => name),
    ["Name", "Level"],
  );
});

test("custom resources are defaulted, pruned and checked by their schema", async () => {
  await using server = await withGadgets();
  const good = await server.call("POST", GADGETS, {
    body: gadget("g", { mode: "on", nothing: 1, port: "http", free: { any: { thing: true } } }),
  });
  assert.equal(good.status, 201);
  assert.deepEqual(good.body["spec"], { mode: "on", port: "http", free: { any: { thing: true } }, level: 3 });
  const refusal = async (spec: object): Promise<string> => {
    const { status, body } = await server.call("POST", GADGETS, { body: gadget("bad", spec) });
    assert.equal(status, 422);
    return String(body["message"]);
  };
  assert.match(await refusal({}), /spec\.mode: Required value/);
  assert.match(
    await refusal({ mode: "maybe" }),
    /spec\.mode: Unsupported value: "maybe": supported values: "on", "off"/,
  );
  assert.match(
    await refusal({ mode: "on", level: 10 }),
    /spec\.level: Invalid value: 10: spec\.level in body should be less than or equal to 9/,
  );
  assert.match(await refusal({ mode: "on", level: "3" }), /spec\.level in body must be of type integer: "string"/);
  assert.match(await refusal({ mode: "on", tags: ["a", "a"] }), /spec\.tags\[1\]: Duplicate value: "a"/);
  assert.match(await refusal({ mode: "on", port: true }), /spec\.port in body must be of type integer,string/);
});

test("an update of a custom resource needs its resourceVersion, and its generation counts changes of spec only", async () => {
  await using server = await withGadgets();
  await server.call("POST", GADGETS, { body: gadget("g", { mode: "on" }) });
  const blind = await server.call("PUT", `${GADGETS}/g`, { body: gadget("g", { mode: "off" }) });
  assert.equal(blind.status, 422);
  assert.match(
    String(blind.body["message"]),
    /metadata\.resourceVersion: Invalid value: 0x0: must be specified for an update/,
  );
  const merge = { contentType: "application/merge-patch+json" };
  await server.call("PATCH", `${GADGETS}/g`, { ...merge, body: { metadata: { labels: { a: "b" } } } });
  await server.call("PATCH", `${GADGETS}/g/status`, {
    ...merge,
    body: { status: { phase: "up" }, spec: { mode: "off" } },
  });
  const { body } = await server.call("PATCH", `${GADGETS}/g`, { ...merge, body: { spec: { level: 5 } } });
  assert.equal((body["metadata"] as { generation: number }).generation, 2);
  assert.deepEqual(body["spec"], { mode: "on", level: 5 });
  assert.deepEqual(body["status"], { phase: "up" });
});

test("deleting a CRD deletes its objects; one with a finalizer holds it until it is gone", async () => {
  await using server = await withGadgets();
  await server.call("POST", GADGETS, { body: gadget("plain", { mode: "on" }) });
  const held = gadget("held", { mode: "on" }) as { metadata: object };
  await server.call("POST", GADGETS, { body: { ...held, metadata: { name: "held", finalizers: ["a/b"] } } });
  assert.equal((await server.call("DELETE", `${CRDS}/gadgets.example.org`)).status, 200);
  const { body } = await server.call("GET", GADGETS);
  assert.deepEqual(
    (body["items"] as { metadata: { name: string } }[]).map((item) => item.metadata.name),
    ["held"],
  );
  assert.equal((await server.call("GET", `${CRDS}/gadgets.example.org`)).status, 200);
  await server.call("PATCH", `${GADGETS}/held`, {
    contentType: "application/merge-patch+json",
    body: { metadata: { finalizers: null } },
  });
  assert.equal((await server.call("GET", `${CRDS}/gadgets.example.org`)).status, 404);
  assert.equal((await server.call("GET", GADGETS)).status, 404);
});

test("an object is served in each version of its CRD, in lists and watches too", async () => {
  await using server = await startTestApiServer();
  const body = structuredClone(definition);
  const [first] = body.spec.versions;
  assert.ok(first);
  body.spec.versions.push({ ...structuredClone(first), name: "v2", storage: false });
  await server.call("POST", CRDS, { body });
  await server.call("POST", GADGETS, { body: gadget("g", { mode: "on" }) });
  const newer = GADGETS.replace("/v1/", "/v2/");
  const one = await server.call("GET", `${newer}/g`);
  assert.equal(one.body["apiVersion"], "example.org/v2");
  const list = await server.call("GET", newer);
  assert.equal((list.body["items"] as { apiVersion: string }[])[0]?.apiVersion, "example.org/v2");
  const watch = await server.send("GET", `${newer}?watch=true`);
  for await (const line of watch.body as AsyncIterable<string>) {
    assert.equal(JSON.parse(line).object.apiVersion, "example.org/v2");
    break;
  }
});

test("a wrong CRD is refused with the members that are wrong", async () => {
  await using server = await startTestApiServer();
  const body = structuredClone(definition);
  body.metadata.name = "other.example.org";
  const { status, body: answer } = await server.call("POST", CRDS, { body });
  assert.equal(status, 422);
  assert.match(String(answer["message"]), /metadata\.name: Invalid value: "other\.example\.org"/);
});

test("a printer column's JSONPath finds members, indexes and filtered items", () => {
  const object = {
    status: {
      conditions: [
        { type: "A", status: "False" },
        { type: "Ready", status: "True" },
      ],
    },
    a: { "b.c": [1, 2] },
  };
  const at = (path: string) => valuesAt(parseJsonPath(path) ?? [], object);
  assert.deepEqual(at('.status.conditions[?(@.type=="Ready")].status'), ["True"]);
  assert.deepEqual(at(".status.conditions[*].type"), ["A", "Ready"]);
  assert.deepEqual(at(".a['b.c'][1]"), [2]);
  assert.deepEqual(at(".a.b\\.c[0]"), [1]);
  assert.deepEqual(at(".nothing.here"), []);
  assert.equal(parseJsonPath(".a[?(@.b>1)]"), undefined);
});

test("rules in CEL refuse what breaks them, with their own message, and compare with the former state", async () => {
  await using server = await startTestApiServer();
  const integer = { type: "integer" };
  const spec = {
    type: "object",
    properties: { replicas: integer, size: { type: "string", enum: ["small", "large"] }, node: { type: "string" } },
    "x-kubernetes-validations": [
      { rule: "self.size != 'small' || self.replicas <= 3", message: "small gadgets have at most 3 replicas" },
      { rule: "!has(oldSelf.node) || self.node == oldSelf.node", reason: "FieldValueForbidden", fieldPath: ".node" },
    ],
  };
  const versions = [
    {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
    },
  ];
  const made = await server.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "gadgets.example.org" },
      spec: { group: "example.org", scope: "Namespaced", names: { plural: "gadgets", kind: "Gadget" }, versions },
    },
  });
  assert.equal(made.status, 201);
  assert.equal(made.headers["warning"], undefined);
  const url = "/apis/example.org/v1/namespaces/default/gadgets";
  const gadget = (members: object): object => ({
    apiVersion: "example.org/v1",
    kind: "Gadget",
    metadata: { name: "g" },
    spec: members,
  });
  const refused = await server.call("POST", url, { body: gadget({ size: "small", replicas: 5, node: "a" }) });
  assert.equal(refused.status, 422);
  assert.equal(
    refused.body["message"],
    'Gadget.example.org "g" is invalid: spec: Invalid value: small gadgets have at most 3 replicas',
  );
  const accepted = await server.call("POST", url, { body: gadget({ size: "small", replicas: 2, node: "a" }) });
  assert.equal(accepted.status, 201);
  const moved = await server.call("PATCH", `${url}/g`, {
    body: { spec: { node: "b" } },
    contentType: "application/merge-patch+json",
  });
  assert.equal(moved.status, 422);
  assert.match(String(moved.body["message"]), /spec\.node: Forbidden: failed rule/);
});

test("a rule with a function that is not known is not enforced, and its author is warned", async () => {
  await using server = await startTestApiServer();
  const properties = { q: { type: "string" } };
  const schema = {
    type: "object",
    properties,
    "x-kubernetes-validations": [{ rule: "!has(self.q) || authorizer.path(self.q).check('get').allowed()" }],
  };
  const made = await server.send("POST", CRDS, {
    body: {
      ...definition,
      spec: {
        ...definition.spec,
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    },
  });
  assert.equal(made.status, 201);
  assert.match(
    String(made.headers["warning"]),
    /x-kubernetes-validations\[0\]\.rule is not enforced: Unknown variable/,
  );
  for (const object of [{ q: "/x" }, {}]) {
    const body = { apiVersion: "example.org/v1", kind: "Gadget", metadata: { generateName: "g-" }, ...object };
    assert.equal((await server.call("POST", GADGETS, { body })).status, 201);
  }
});

test("a pattern that backtracking engines try for hours is answered at once, and Go's syntax is known", async () => {
  await using server = await startTestApiServer();
  const properties = {
    a: { type: "string", pattern: "^(a+)+$" },
    b: { type: "string", pattern: "(?i)^[[:alpha:]]+\\z" },
  };
  await server.call("POST", CRDS, {
    body: {
      ...definition,
      spec: {
        ...definition.spec,
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties } } },
        ],
      },
    },
  });
  const answerTo = async (members: object): Promise<string> => {
    const body = { apiVersion: "example.org/v1", kind: "Gadget", metadata: { generateName: "g-" }, ...members };
    const { status, body: answer } = await server.call("POST", GADGETS, { body });
    return `${status} ${answer["message"] ?? ""}`;
  };
  assert.match(await answerTo({ a: "a".repeat(5_000), b: "Abc" }), /^201/);
  assert.match(await answerTo({ a: `${"a".repeat(200)}!` }), /^422 .*a in body should match '\^\(a\+\)\+\$'/);
  assert.match(await answerTo({ b: "Abc1" }), /^422 .*b in body should match/);
});

test("rules see members as their schema says: quantities, times, durations, and names that CEL cannot write", async () => {
  await using server = await startTestApiServer();
  const schema = {
    type: "object",
    properties: {
      q: { type: "string" },
      when: { type: "string", format: "date-time" },
      "x-y": { type: "string" },
    },
    "x-kubernetes-validations": [
      { rule: "!has(self.q) || quantity(self.q).isLessThan(quantity('1'))", message: "q is too much" },
      { rule: "!has(self.when) || self.when > timestamp('2020-01-01T00:00:00Z')", message: "when is too early" },
      { rule: "self.?x__dash__y.orValue('z') == 'z'", message: "x-y is not z" },
    ],
  };
  const made = await server.send("POST", CRDS, {
    body: {
      ...definition,
      spec: {
        ...definition.spec,
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    },
  });
  assert.equal(made.headers["warning"], undefined);
  const answerTo = async (object: object): Promise<string> => {
    const body = { apiVersion: "example.org/v1", kind: "Gadget", metadata: { generateName: "g-" }, ...object };
    const { status, body: answer } = await server.call("POST", GADGETS, { body });
    return `${status} ${answer["message"] ?? ""}`;
  };
  assert.match(await answerTo({}), /^201/);
  assert.match(await answerTo({ q: "100m", when: "2026-01-01T00:00:00Z", "x-y": "z" }), /^201/);
  assert.match(await answerTo({ q: "2" }), /^422 .*q is too much/);
  assert.match(await answerTo({ when: "2019-01-01T00:00:00Z" }), /^422 .*when is too early/);
  assert.match(await answerTo({ "x-y": "a" }), /^422 .*x-y is not z/);
});

test("a kind stays served whatever a client writes into its definition's status, which keeps others' conditions", async () => {
  await using server = await withGadgets();
  const url = `${CRDS}/gadgets.example.org`;
  const others = { type: "Checked", status: "True", reason: "Ok", message: "", lastTransitionTime: null };
  type Status = { conditions: { type: string; status: string }[]; storedVersions: string[] };
  const patched = async (subresource: string, body: object): Promise<string[]> => {
    const answer = await server.call("PATCH", `${url}${subresource}`, {
      body,
      contentType: "application/merge-patch+json",
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return (answer.body["status"] as Status).conditions.map(({ type, status }) => `${type}=${status}`);
  };
  const own = ["NamesAccepted=True", "Established=True"];
  assert.deepEqual(await patched("/status", { status: { conditions: [], acceptedNames: { kind: "Other" } } }), own);
  assert.equal((await server.call("GET", GADGETS)).status, 200);
  const wrong = { type: "Established", status: "False", reason: "No", message: "" };
  assert.deepEqual(await patched("/status", { status: { conditions: [wrong, others] } }), [...own, "Checked=True"]);
  assert.deepEqual(await patched("", { metadata: { labels: { a: "b" } } }), [...own, "Checked=True"]);
  assert.equal((await server.call("GET", GADGETS)).status, 200);
});
