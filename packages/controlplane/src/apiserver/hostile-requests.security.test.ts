// Requests that no good client sends, at every endpoint: none of them is a failure of the server's own.
import assert from "node:assert/strict";
import { validateHeaderValue } from "node:http";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { JsonObject, JsonValue } from "@skerry/base";
import { randomInteger } from "@skerry/base";
import { SeededRandom } from "@skerry/base/testing";
import fc from "fast-check";
import { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { builtInTypes } from "../openapi/built-in-types.ts";
import { builtInResources } from "../registry/kinds/kinds.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";
import { RandomObjects } from "../testing/random-object.ts";
import { startTestApiServer, type TestApiServer, type TestRequest } from "../testing/test-api-server.ts";

/** `npm run test:long` takes more. */
const ROUNDS = Number(process.env["SKERRY_HOSTILE_ROUNDS"] ?? 2);
const types = builtInTypes();
const definitions = builtInResources(new TypeTopologies(types));
/** As often are the endpoints of the custom resource gone through. */
const CUSTOM_ROUNDS = 10;
/** The API server keeps some changes in memory; heavy ones among them. */
const MOST_LEFT_BYTES = 32 * 1024 * 1024;
const FORMS = [
  "application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
];
const QUERIES = [
  ...["limit=-1", "limit=1", "limit=99999999999999999999", "continue=%00", "continue=eyJydiI6LTF9", "continue=bnVsbA"],
  ...["resourceVersion=x", "resourceVersion=-1", "resourceVersion=1", "resourceVersion=99999999999999999999"],
  ...["resourceVersion=1&resourceVersionMatch=Exact", "resourceVersionMatch=Maybe", "resourceVersionMatch=Exact"],
  ...["labelSelector=%3D%3D", "labelSelector=a%20in%20(", "labelSelector=!a,b%3Dc", "labelSelector=__proto__"],
  ...[
    "fieldSelector=metadata.name%3D",
    "fieldSelector=__proto__%3D1",
    "fieldSelector=%2C%2C",
    "fieldSelector=status.phase!%3DX",
  ],
  ...["dryRun=All", "dryRun=None", "fieldValidation=Strict", "fieldValidation=Ignore", "fieldValidation=Maybe"],
  ...["fieldManager=%E2%98%83", "fieldManager=m&force=true", "pretty=1", "timeoutSeconds=-5", "gracePeriodSeconds=x"],
  ...["propagationPolicy=Orphan", "propagationPolicy=Foreground", "includeObject=Object", "includeObject=None", ""],
];
const PATCHES = [
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/json-patch+json",
];

type Endpoint = Pick<ResourceDefinition, "reference" | "openApi" | "subresources">;

/** A custom resource whose schema looks at what it gets in every way there is. */
const GADGETS: Endpoint = {
  reference: { group: "fuzz.example", version: "v1", resource: "gadgets", kind: "Gadget", namespaced: true },
  openApi: { schema: {} },
  subresources: [],
};
const GADGET_DEFINITION: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.fuzz.example" },
  spec: {
    group: "fuzz.example",
    names: { kind: "Gadget", plural: "gadgets", singular: "gadget" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: ".spec.a", statusReplicasPath: ".status.a" } },
        additionalPrinterColumns: [
          { name: "A", type: "string", jsonPath: ".spec.a" },
          { name: "B", type: "date", jsonPath: ".spec.default[0].x" },
          { name: "C", type: "integer", jsonPath: ".status..a" },
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                "x-kubernetes-preserve-unknown-fields": true,
                properties: {
                  a: { type: "integer", minimum: 0, default: 1 },
                  default: {
                    type: "array",
                    "x-kubernetes-list-type": "set",
                    items: { type: "string", pattern: "^a+$" },
                  },
                  "web-0": { type: "string", nullable: true, enum: ["a", ""] },
                },
                "x-kubernetes-validations": [{ rule: "!has(self.a) || self.a < 3", message: "too many" }],
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

/** Answers that are right although they begin with 5. */
function isMeant(status: number, body: string, url: string): boolean {
  // No CloudCore leads to the nodes here; a revision that is not there yet; as the real server answers a watch.
  if (status === 501) return /NotImplemented/.test(body);
  if (status === 504) return /Too large resource version/.test(body);
  return status === 500 && /watch=/.test(url) && /resourceVersion: Invalid value/.test(body);
}

/** Sends a request and checks what every answer has to be; returns the status. */
async function probe(server: TestApiServer, method: string, url: string, request: TestRequest = {}): Promise<number> {
  const stop = new AbortController();
  const { status, headers, body } = await server.send(method, url, { ...request, signal: stop.signal });
  const sent =
    request.body instanceof Uint8Array ? Buffer.from(request.body.subarray(0, 500)).toString() : request.body;
  const shown = (): string => `${method} ${url} ${JSON.stringify(sent ?? "").slice(0, 3_000)}: ${status}`;
  for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
  if (typeof body !== "string") {
    setImmediate(() => stop.abort());
    try {
      for await (const line of body) JSON.parse(String(line));
    } catch (error) {
      assert.ok(stop.signal.aborted, `${shown()} ${String(error)}`);
    }
    return status;
  }
  if (status >= 500) assert.ok(isMeant(status, body, url), `${shown()} ${body}`);
  if (!headers["content-type"]?.startsWith("application/json")) return status;
  const answer = JSON.parse(body);
  if (status >= 400) {
    assert.equal(answer.kind, "Status", shown());
    assert.equal(answer.code, status, shown());
    assert.ok(typeof answer.message === "string" && answer.message !== "", shown());
  }
  return status;
}

function collectionOf({ reference: { group, version, resource, namespaced } }: Endpoint): string {
  return `${group === "" ? "/api" : `/apis/${group}`}/${version}${namespaced ? "/namespaces/default" : ""}/${resource}`;
}

/** All that can be asked of one kind, once, with bodies and options that a seed decides. */
async function attack(server: TestApiServer, definition: Endpoint, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const pick = <T>(values: readonly [T, ...T[]] | readonly T[]): T => values[randomInteger(random, values.length)] as T;
  const { group, version, kind } = definition.reference;
  const objects = new RandomObjects(types, random, {
    wrongShare: pick([0, 0, 0.01, 0.05]),
    memberShare: pick([0.2, 0.5, 0.8]),
  });
  const typeName = "typeName" in definition.openApi ? definition.openApi.typeName : "";
  const apiVersion = group === "" ? version : `${group}/${version}`;
  const name = `x${randomInteger(random, 4)}`;
  const whole = (): JsonObject => ({
    ...(typeName === "" ? { spec: objects.any(), status: objects.any() } : objects.object(typeName)),
    ...(random.float() < 0.9 ? { apiVersion, kind, metadata: { name } } : {}),
  });
  const collection = collectionOf(definition);
  const object = `${collection}/${name}`;
  const accept = { headers: { accept: pick(FORMS) } };
  const query = (): string => pick(QUERIES);

  await probe(server, "POST", `${collection}?${query()}`, { body: whole(), ...accept });
  await probe(server, "GET", `${object}?${query()}`, accept);
  await probe(server, "GET", `${collection}?${query()}&${query()}`, accept);
  await probe(server, "GET", `${collection}?watch=1&${query()}`, accept);
  await probe(server, "GET", `${collection}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true`, accept);
  await probe(server, "PUT", `${object}?${query()}`, { body: whole(), ...accept });
  for (const contentType of PATCHES) {
    const body = contentType.includes("json-patch")
      ? randomJsonPatch(objects, random, whole)
      : pick([whole, () => objects.any()])();
    await probe(server, "PATCH", `${object}?${query()}`, { body, contentType, ...accept });
  }
  const applied = { body: whole(), contentType: "application/apply-patch+yaml", ...accept };
  await probe(server, "PATCH", `${object}?fieldManager=fuzz&force=true&${query()}`, applied);
  const subresource = pick([
    "status",
    "scale",
    "approval",
    "finalize",
    "log",
    "exec",
    "token",
    ...definition.subresources,
  ]);
  for (const method of ["GET", "PUT", "POST", "PATCH", "DELETE"])
    await probe(server, method, `${object}/${subresource}?${query()}`, {
      ...(method === "GET" ? {} : { body: pick([whole, () => objects.any()])() }),
      ...(method === "PATCH" ? { contentType: pick(PATCHES) } : {}),
    });
  await probe(server, "DELETE", `${object}?${query()}`, { body: pick([{}, objects.object("meta.v1.DeleteOptions")]) });
  await probe(server, "GET", `${collection}?${query()}`, accept);
  if (random.float() < 0.2) await probe(server, "DELETE", `${collection}?${query()}`, {});
}

function randomJsonPatch(objects: RandomObjects, random: SeededRandom, whole: () => JsonObject): JsonValue {
  const pointers = [
    "",
    "/",
    "/metadata",
    "/metadata/name",
    "/metadata/labels/a",
    "/spec",
    "/spec/-",
    "/status/0",
    "/x/~2",
  ];
  const pointer = (): JsonValue =>
    random.float() < 0.9 ? (pointers[randomInteger(random, pointers.length)] ?? "") : objects.any();
  return Array.from(
    { length: randomInteger(random, 4) },
    (): JsonValue => ({
      op: ["add", "replace", "remove", "test", "copy", "move", "?"][randomInteger(random, 7)] ?? "",
      path: pointer(),
      from: pointer(),
      value: random.float() < 0.5 ? objects.any() : whole(),
    }),
  );
}

test("no kind answers any verb with a failure of the server's own, whatever the body and the options are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (seed) => {
      await using server = await startTestApiServer();
      const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      assert.equal(await probe(server, "POST", crds, { body: GADGET_DEFINITION }), 201);
      for (const [index, definition] of definitions.entries()) await attack(server, definition, seed + index);
      for (let round = 0; round < CUSTOM_ROUNDS; round++) await attack(server, GADGETS, seed + round);
    }),
    { numRuns: ROUNDS },
  );
});

test("no path and no method is answered with a failure of the server's own", async () => {
  await using server = await startTestApiServer();
  const part = fc.oneof(
    fc.constantFrom(
      "api",
      "apis",
      "v1",
      "apps",
      "namespaces",
      "default",
      "pods",
      "nodes",
      "proxy",
      "watch",
      "status",
      "scale",
    ),
    fc.constantFrom("openapi", "v2", "v3", "healthz", "version", "..", "", "%2F", "%00", "%zz", "*", "metrics.k8s.io"),
    fc.string({ maxLength: 20 }),
  );
  const method = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW");
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 9 }),
      method,
      fc.constantFrom(...QUERIES),
      async (parts, verb, query) => {
        await probe(
          server,
          verb,
          `/${parts.join("/").replace(/^\/+/, "")}?${query}`,
          verb === "GET" ? {} : { body: {} },
        );
      },
    ),
    { numRuns: 250 * ROUNDS },
  );
});

test("bodies that are no JSON, no YAML or no protobuf get 400 or 415, whatever they claim to be", async () => {
  await using server = await startTestApiServer();
  const contentType = fc.constantFrom(
    ...["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/cbor", "text/html"],
    ...["", ";;", "application/json; charset=latin1", "application/apply-patch+yaml", ...PATCHES],
  );
  const magic = fc.constantFrom(
    new Uint8Array(),
    new Uint8Array([0x6b, 0x38, 0x73, 0x00]),
    new Uint8Array([0xff, 0xfe]),
  );
  await fc.assert(
    fc.asyncProperty(contentType, magic, fc.uint8Array({ maxLength: 200 }), async (type, start, bytes) => {
      const request = { contentType: type, body: new Uint8Array([...start, ...bytes]) };
      const pods = "/api/v1/namespaces/default/pods";
      const statuses = [
        await probe(server, "POST", pods, request),
        await probe(server, "PATCH", `${pods}/x?fieldManager=fuzz`, request),
        await probe(server, "DELETE", `${pods}/x`, request),
      ];
      for (const status of statuses) assert.ok([400, 404, 415, 422].includes(status), String(status));
    }),
    { numRuns: 100 * ROUNDS },
  );
});

test("bodies made to be heavy get an answer, none of them a failure of the server's own, and nothing of them stays", async () => {
  await using server = await startTestApiServer();
  const maps = "/api/v1/namespaces/default/configmaps";
  const base = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "heavy" } };
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const members = (count: number): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, 0]));
  const wrongKeys = (count: number): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`-${index}`, "x"]));
  await probe(server, "POST", maps, { body: base });
  const heavy: readonly (readonly [method: string, url: string, request: TestRequest, status: number])[] = [
    ["POST", maps, { body: text("[".repeat(1_000_000)) }, 400],
    ["POST", maps, { body: text(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`) }, 400],
    ["POST", maps, { body: text(`${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}`) }, 400],
    ["POST", maps, { body: { ...base, metadata: { name: "unknown" }, ...members(50_000) } }, 201],
    [
      "POST",
      `${maps}?fieldValidation=Strict`,
      { body: { ...base, metadata: { name: "strict" }, ...members(50_000) } },
      400,
    ],
    ["POST", maps, { body: { ...base, metadata: { name: "labels", labels: members(50_000) } } }, 400],
    ["POST", maps, { body: { ...base, metadata: { name: "keys", labels: wrongKeys(50_000) } } }, 422],
    ["POST", maps, { body: { ...base, metadata: { name: "wide" }, data: { a: "x".repeat(2_500_000) } } }, 422],
    [
      "PATCH",
      `${maps}/heavy`,
      { contentType: "application/json-patch+json", body: Array(10_001).fill({ op: "test", path: "", value: 1 }) },
      400,
    ],
    [
      "PATCH",
      `${maps}/heavy`,
      {
        contentType: "application/json-patch+json",
        body: [
          { op: "add", path: "/data", value: { a: "x".repeat(1_000) } },
          ...Array.from({ length: 40 }, (_, index) => ({ op: "copy", from: "", path: `/c${index}` })),
        ],
      },
      413,
    ],
    [
      "PATCH",
      `${maps}/heavy?fieldManager=fuzz`,
      { contentType: "application/apply-patch+yaml", body: text(yamlBomb()) },
      400,
    ],
    ["GET", `${maps}?labelSelector=${encodeURIComponent(`a in (${"b,".repeat(20_000)}b)`)}`, {}, 400],
    ["GET", `${maps}?labelSelector=${encodeURIComponent("(".repeat(20_000))}`, {}, 400],
  ];
  const before = heapBytes();
  const answers: string[] = [];
  for (const [method, url, request] of heavy) {
    answers.push(String(await probe(server, method, url, request)));
  }
  assert.deepEqual(
    answers,
    heavy.map(([, , , status]) => String(status)),
  );
  assert.ok(heapBytes() - before < MOST_LEFT_BYTES, `${heapBytes() - before} bytes are left`);
});

/** What is alive. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

/** Nine levels of lists, each naming the one before nine times. */
function yamlBomb(): string {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const before = level === 0 ? "x" : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array(9).fill(before).join(",")}]`;
  });
  return `apiVersion: v1\nkind: ConfigMap\n${levels.join("\n")}\n`;
}
