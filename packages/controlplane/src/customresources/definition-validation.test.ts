import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeEdgeDefinitions } from "@skerry/api";
import { startTestApiServer } from "../testing/test-api-server.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  schema?: object;
  [member: string]: unknown;
}

const version = (name: string, schema: object, more: object = {}): Version => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: schema },
  ...more,
});

const definition = (spec: object, plural = "gadgets", kind = "Gadget"): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.example.org` },
  spec: {
    group: "example.org",
    scope: "Namespaced",
    names: { plural, kind },
    versions: [version("v1", { type: "object" })],
    ...spec,
  },
});

const withProperty = (schema: object): object => ({
  versions: [version("v1", { type: "object", properties: { a: schema } })],
});

const A = "spec.validation.openAPIV3Schema.properties[a]";
const text = { type: "string" };

const WRONG: readonly [string, object, string][] = [
  ["a list without items", withProperty({ type: "array" }), `${A}.items: Required value: must be specified`],
  [
    "a member without a type",
    withProperty({}),
    `${A}.type: Required value: must not be empty for specified object fields`,
  ],
  [
    "items without a type",
    withProperty({ type: "array", items: {} }),
    `${A}.items.type: Required value: must not be empty for specified array items`,
  ],
  [
    "an unknown type",
    withProperty({ type: "text" }),
    `${A}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
  ],
  [
    "a default of a wrong type",
    withProperty({ type: "integer", default: "x" }),
    `${A}.default: Invalid value: "x": ${A}.default in body must be of type integer: "string"`,
  ],
  [
    "a type inside of anyOf",
    withProperty({ type: "object", anyOf: [{ type: "object" }] }),
    `${A}.anyOf[0].type: Forbidden: must be empty to be structural`,
  ],
  [
    "a member that only a combination names",
    withProperty({ type: "object", oneOf: [{ properties: { b: { minLength: 1 } } }] }),
    `${A}.oneOf[0].properties[b]: Required value`,
  ],
  ["a reference", withProperty({ type: "object", $ref: "#/x" }), `${A}.$ref: Forbidden: $ref is not supported`],
  [
    "unique items",
    withProperty({ type: "array", items: text, uniqueItems: true }),
    `${A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
  ],
  [
    "properties with additional ones",
    withProperty({ type: "object", properties: { b: text }, additionalProperties: text }),
    `${A}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
  ],
  [
    "a pattern that is none",
    withProperty({ type: "string", pattern: "(" }),
    `${A}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing )`,
  ],
  [
    "a list of the type map without keys",
    withProperty({ type: "array", items: { type: "object" }, "x-kubernetes-list-type": "map" }),
    `${A}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
  ],
  [
    "a key of a list that items need not have",
    withProperty({
      type: "array",
      items: { type: "object", properties: { k: text } },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
    }),
    `${A}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
  ],
  [
    "an unknown list type",
    withProperty({ type: "array", items: text, "x-kubernetes-list-type": "bag" }),
    `${A}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`,
  ],
  [
    "metadata with more than names",
    {
      versions: [
        version("v1", { type: "object", properties: { metadata: { type: "object", properties: { labels: text } } } }),
      ],
    },
    "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
  ],
  [
    "a rule that is no expression",
    withProperty({ type: "string", "x-kubernetes-validations": [{ rule: "self ===" }] }),
    `${A}.x-kubernetes-validations[0].rule: Invalid value: "self ===": compilation failed: ERROR: Unexpected character: =`,
  ],
  [
    "an unknown scope",
    { scope: "Zork" },
    'spec.scope: Unsupported value: "Zork": supported values: "Cluster", "Namespaced"',
  ],
  [
    "two versions of one name",
    { versions: [version("v1", { type: "object" }), version("v1", { type: "object" }, { storage: false })] },
    "must contain unique version names",
  ],
  [
    "an unknown conversion",
    { conversion: { strategy: "Magic" } },
    'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"',
  ],
  [
    "a conversion webhook that is nowhere",
    { conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } } },
    "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
  ],
  [
    "a column without a path",
    { versions: [version("v1", { type: "object" }, { additionalPrinterColumns: [{ name: "A", type: "text" }] })] },
    "spec.versions[0].additionalPrinterColumns[0].jsonPath: Required value",
  ],
  [
    "a deprecation warning of a version that is not deprecated",
    { versions: [version("v1", { type: "object" }, { deprecationWarning: "old" })] },
    'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
  ],
  [
    "a list kind that is its kind",
    { names: { plural: "gadgets", kind: "Gadget", listKind: "Gadget" } },
    'spec.names.listKind: Invalid value: "Gadget": kind and listKind may not be the same',
  ],
];

test("wrong CRDs are refused in Kubernetes' words", async (t) => {
  await using server = await startTestApiServer();
  for (const [name, spec, message] of WRONG)
    await t.test(name, async () => {
      const { status, body } = await server.call("POST", CRDS, { body: definition(spec) });
      assert.equal(status, 422, JSON.stringify(body));
      assert.ok(String(body["message"]).includes(message), String(body["message"]));
    });
});

test("Skerry's own CRDs, and the forms of integers or strings, are structural", async () => {
  await using server = await startTestApiServer();
  for (const body of kubeEdgeDefinitions) {
    const { status, body: answer } = await server.call("POST", CRDS, { body });
    assert.equal(status, 201, JSON.stringify(answer));
  }
  const anyOf = [{ type: "integer" }, { type: "string" }];
  const properties = {
    a: { "x-kubernetes-int-or-string": true, anyOf },
    b: { "x-kubernetes-int-or-string": true, allOf: [{ anyOf }, { minimum: 1 }] },
    c: { "x-kubernetes-int-or-string": true },
    d: { "x-kubernetes-preserve-unknown-fields": true },
    e: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
    f: { type: "object", properties: { g: text }, anyOf: [{ required: ["g"], properties: { g: { minLength: 1 } } }] },
  };
  const { status, body } = await server.call("POST", CRDS, {
    body: definition({ versions: [version("v1", { type: "object", properties })] }),
  });
  assert.equal(status, 201, JSON.stringify(body));
});

test("a version in which objects may be stored cannot be taken out until its migration is told", async () => {
  await using server = await startTestApiServer();
  const schema = { type: "object" };
  await server.call("POST", CRDS, { body: definition({}) });
  const merge = { contentType: "application/merge-patch+json" };
  const url = `${CRDS}/gadgets.example.org`;
  const both = [version("v1", schema, { storage: false }), version("v2", schema)];
  assert.equal((await server.call("PATCH", url, { ...merge, body: { spec: { versions: both } } })).status, 200);
  const only = { spec: { versions: [version("v2", schema)] } };
  const refused = await server.call("PATCH", url, { ...merge, body: only });
  assert.equal(refused.status, 422);
  assert.match(
    String(refused.body["message"]),
    /status\.storedVersions\[0\]: Invalid value: "v1": must appear in spec\.versions/,
  );
  await server.call("PATCH", `${url}/status`, { ...merge, body: { status: { storedVersions: ["v2"] } } });
  assert.equal((await server.call("PATCH", url, { ...merge, body: only })).status, 200);
});

test("a kind whose name is taken in its group is not served until the other CRD is gone", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", CRDS, { body: definition({}) });
  const second = await server.call("POST", CRDS, { body: definition({}, "widgets", "Gadget") });
  assert.equal(second.status, 201);
  const conditionsOf = async (): Promise<string[]> => {
    const { body } = await server.call("GET", `${CRDS}/widgets.example.org`);
    const { conditions } = body["status"] as { conditions: { type: string; status: string; message: string }[] };
    return conditions.map(({ type, status, message }) => `${type} ${status}: ${message}`);
  };
  assert.deepEqual(await conditionsOf(), [
    'NamesAccepted False: "GadgetList" is already in use',
    "Established False: not all names are accepted",
  ]);
  const widgets = "/apis/example.org/v1/namespaces/default/widgets";
  assert.equal((await server.call("GET", widgets)).status, 404);
  await server.call("DELETE", `${CRDS}/gadgets.example.org`);
  assert.deepEqual(await conditionsOf(), [
    "NamesAccepted True: no conflicts found",
    "Established True: the initial names have been accepted",
  ]);
  assert.equal((await server.call("GET", widgets)).status, 200);
});

test("whoever uses a deprecated version of a CRD is told, and what to use instead", async () => {
  await using server = await startTestApiServer();
  const schema = { type: "object" };
  const versions = [
    version("v1alpha1", schema, { storage: false, deprecated: true, deprecationWarning: "gone next year" }),
    version("v1beta1", schema, { storage: false, deprecated: true }),
    version("v1", schema),
  ];
  await server.call("POST", CRDS, { body: definition({ versions }) });
  const warningOf = async (name: string): Promise<unknown> =>
    (await server.send("GET", `/apis/example.org/${name}/namespaces/default/gadgets`)).headers["warning"];
  assert.equal(await warningOf("v1alpha1"), '299 - "gone next year"');
  assert.equal(
    await warningOf("v1beta1"),
    '299 - "example.org/v1beta1 Gadget is deprecated; use example.org/v1 Gadget"',
  );
  assert.equal(await warningOf("v1"), undefined);
});

test("whoever writes a CRD with a conversion webhook and several versions is told that it is not called", async () => {
  await using server = await startTestApiServer();
  const schema = { type: "object" };
  const conversion = {
    strategy: "Webhook",
    webhook: { clientConfig: { url: "https://example.org/convert" }, conversionReviewVersions: ["v1"] },
  };
  const versions = [version("v1", schema), version("v2", schema, { storage: false })];
  const { status, headers } = await server.send("POST", CRDS, { body: definition({ versions, conversion }) });
  assert.equal(status, 201);
  assert.match(String(headers["warning"]), /conversion webhooks are not called here/);
});
