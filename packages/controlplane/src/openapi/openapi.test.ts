import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { builtInReferences } from "../registry/kinds/kinds.ts";
import { startTestApiServer } from "../testing/test-api-server.ts";
import { builtInTypes } from "./built-in-types.ts";
import { decodeMessage, isDecodable, openEnvelope, ProtobufError } from "./protobuf-decoder.ts";
import { checkType } from "./type-check.ts";

const types = builtInTypes();

test("every document of the index is served, and every reference in it leads somewhere", async () => {
  await using server = await startTestApiServer();
  const index = await server.call("GET", "/openapi/v3");
  const paths = index.body["paths"] as Record<string, { serverRelativeURL: string }>;
  assert.ok("api/v1" in paths && "apis/apps/v1" in paths);
  for (const { serverRelativeURL } of Object.values(paths)) {
    const { status, body } = await server.call("GET", serverRelativeURL);
    assert.equal(status, 200, serverRelativeURL);
    const { schemas } = body["components"] as { schemas: Record<string, unknown> };
    for (const reference of references(body as JsonValue))
      assert.ok(reference.replace("#/components/schemas/", "") in schemas, `${serverRelativeURL}: ${reference}`);
  }
});

test("the v2 document has every kind, every reference in it leads somewhere, and a patch says that it can be rehearsed", async () => {
  await using server = await startTestApiServer();
  const { status, body } = await server.call("GET", "/openapi/v2");
  assert.equal(status, 200);
  const definitions = body["definitions"] as Record<string, { properties?: Record<string, { type?: string }> }>;
  for (const reference of references(body as JsonValue))
    assert.ok(reference.replace("#/definitions/", "") in definitions, reference);
  assert.equal(definitions["io.k8s.api.apps.v1.DeploymentSpec"]?.properties?.["replicas"]?.type, "integer");
  assert.deepEqual(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"], {
    format: "int-or-string",
    type: "string",
  });
  const paths = body["paths"] as Record<string, { patch?: { parameters: { name: string; type?: string }[] } }>;
  const patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.patch;
  assert.deepEqual(
    patch?.parameters.map(({ name }) => name),
    ["body", "dryRun", "fieldManager", "fieldValidation"],
  );
});

test("the v2 document in protobuf has the same definitions under the field numbers of its format", async () => {
  await using server = await startTestApiServer();
  const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const { body, headers } = await server.send("GET", "/openapi/v2", { headers: { accept } });
  assert.match(headers["content-type"] ?? "", /\+protobuf$/);
  assert.notEqual(typeof body, "string");
  let bytes: Uint8Array = new Uint8Array();
  for await (const part of body as AsyncIterable<Uint8Array>) bytes = part;
  const document = messageOf(bytes);
  assert.equal(String(document.get(1)?.[0]), "2.0");
  const names = (document.get(9) ?? [])
    .flatMap((definitions) => messageOf(definitions).get(1) ?? [])
    .map((named) => String(messageOf(named).get(1)?.[0]));
  const json = await server.call("GET", "/openapi/v2");
  assert.deepEqual(names, Object.keys(json.body["definitions"] as object));
});

/** The length-delimited fields of a protobuf message by their numbers. */
function messageOf(bytes: Uint8Array): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited)
      fields.set(number, [...(fields.get(number) ?? []), Buffer.from(reader.bytes())]);
    else reader.skip(type);
  }
  return fields;
}

test("a kind's patch operation names fieldValidation, by which kubectl leaves checking to the server", async () => {
  await using server = await startTestApiServer();
  const { body } = await server.call("GET", "/openapi/v3/apis/apps/v1");
  const paths = body["paths"] as Record<string, { patch?: { parameters: { name: string }[] } }>;
  const patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.patch;
  assert.ok(patch?.parameters.some(({ name }) => name === "fieldValidation"));
});

test("a protobuf body decodes to the JSON that means the same, inlined members and maps included", () => {
  const text = (number: number, value: string): number[] => field(number, [...new TextEncoder().encode(value)]);
  const metadata = field(1, [...text(1, "p"), ...field(11, [...text(1, "app"), ...text(2, "x")])]);
  // Volume: name = 1, volumeSource = 2 (inlined in JSON) with emptyDir = 2; Container: image = 2, ports = 6.
  const volume = field(1, [...text(1, "v"), ...field(2, field(2, text(1, "Memory")))]);
  const container = field(2, [...text(1, "c"), ...text(2, "img"), ...field(6, [3 << 3, 0x90, 0x3f])]);
  const spec = field(2, [...volume, ...container, 4 << 3, 30]);
  const typeMeta = field(1, [...text(1, "v1"), ...text(2, "Pod")]);
  const raw = field(2, [...metadata, ...spec]);
  const envelope = openEnvelope(new Uint8Array([0x6b, 0x38, 0x73, 0, ...typeMeta, ...raw]));
  assert.equal(envelope.kind, "Pod");
  assert.deepEqual(decodeMessage(types, "core.v1.Pod", envelope.raw), {
    metadata: { name: "p", labels: { app: "x" } },
    spec: {
      volumes: [{ name: "v", emptyDir: { medium: "Memory" } }],
      containers: [{ name: "c", image: "img", ports: [{ containerPort: 8080 }] }],
      terminationGracePeriodSeconds: 30,
    },
  });
});

// Found with `kubectl create deployment --replicas=0`, which made a pod.
test("a protobuf zero is kept where it is a wish, and left out where it is an empty place", () => {
  const replicas = [0x08, 0];
  const minReadySeconds = [0x28, 0];
  const decoded = decodeMessage(types, "apps.v1.DeploymentSpec", Uint8Array.from([...replicas, ...minReadySeconds]));
  assert.deepEqual(decoded, { replicas: 0 });
});

test("a zero that a pointer leads to is kept where it means something", () => {
  // maxUnavailable = 1, an IntOrString: type = 1, intVal = 2, strVal = 3.
  const unavailable = Uint8Array.from([0x0a, 6, 0x08, 0, 0x10, 0, 0x1a, 0]);
  assert.deepEqual(decodeMessage(types, "apps.v1.RollingUpdateDeployment", unavailable), { maxUnavailable: 0 });
  const limits = Uint8Array.from([6 << 3, 0, 7 << 3, 0]);
  const kept = { successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0 };
  assert.deepEqual(decodeMessage(types, "batch.v1.CronJobSpec", limits), kept);
});

// Found with KubeEdge's CloudCore: a list with a Lease whose renewTime had no fraction could not be read by any Go client.
test("a protobuf time has microseconds where the type has them, also when they are zero", () => {
  // LeaseSpec: renewTime = 4; Time and MicroTime: seconds = 1, nanos = 2.
  const at = (...nanoseconds: number[]): Uint8Array => {
    const time = [0x08, 0x80, 0x9a, 0xb8, 0xc2, 0x06, ...nanoseconds];
    return Uint8Array.from(field(4, time));
  };
  const renewTime = (bytes: Uint8Array): unknown =>
    decodeMessage(types, "coordination.v1.LeaseSpec", bytes)["renewTime"];
  assert.equal(renewTime(at()), "2025-06-15T00:00:00.000000Z");
  assert.equal(renewTime(at(0x10, 0x95, 0x9a, 0xef, 0x3a)), "2025-06-15T00:00:00.123456Z");
});

test("a MicroTime without six digits is refused, as clients in Go could not read it", () => {
  const mismatchOf = (renewTime: string): string | undefined =>
    checkType(types, "coordination.v1.Lease", { spec: { renewTime } }).mismatch;
  assert.equal(mismatchOf("2025-06-15T00:00:00.000001Z"), undefined);
  assert.equal(mismatchOf("2025-06-15T02:00:00.000001+02:00"), undefined);
  for (const text of ["2025-06-15T00:00:00Z", "2025-06-15T00:00:00.123Z", "2025-13-15T00:00:00.000000Z", "now", ""])
    assert.match(mismatchOf(text) ?? "", /LeaseSpec\.spec\.renewTime of type time\.Time/, text);
});

test("a protobuf body of a built-in kind can be read with all its members, or not at all", () => {
  const refused: string[] = [];
  const missing: string[] = [];
  for (const { group, version, kind } of builtInReferences()) {
    const root = `${group === "" ? "core" : group.split(".")[0]}.${version}.${kind}`;
    if (isDecodable(types, root)) missing.push(...withoutNumber(root, root, new Set()));
    else refused.push(kind);
  }
  // Told by nodes with devices that are claimed, which are not served.
  assert.deepEqual(missing, ["core.v1.Pod.status.nodeAllocatableResourceClaimStatuses.resources"]);
  assert.deepEqual(refused.sort(), [
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
  ]);
});

/** The members below that have no number, but for what says the kind of the whole. */
function withoutNumber(name: string, path: string, seen: Set<string>): string[] {
  if (seen.has(name)) return [];
  const missing: string[] = [];
  seen.add(name);
  for (const field of types.get(name).fields.values()) {
    const at = `${path}.${field.name}`;
    const isWhole = path === name || name === "core.v1.PersistentVolumeClaim";
    const isTypeMeta = isWhole && (field.name === "apiVersion" || field.name === "kind");
    if (!isTypeMeta && field.numbers.length === 0) missing.push(at);
    let { type } = field;
    while (type.kind === "list" || type.kind === "map") type = type.item;
    if (type.kind === "object") missing.push(...withoutNumber(type.name, at, seen));
  }
  return missing;
}

test("a protobuf body of a kind that is only understood as JSON gets 415", async () => {
  await using server = await startTestApiServer();
  const text = (number: number, value: string): number[] => field(number, [...new TextEncoder().encode(value)]);
  const body = (apiVersion: string, kind: string): Uint8Array =>
    new Uint8Array([0x6b, 0x38, 0x73, 0, ...field(1, [...text(1, apiVersion), ...text(2, kind)]), ...field(2, [])]);
  const contentType = "application/vnd.kubernetes.protobuf";
  const url = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const definition = body("apiextensions.k8s.io/v1", "CustomResourceDefinition");
  assert.equal((await server.call("POST", url, { body: definition, contentType })).status, 415);
  const unknown = body("example.io/v1", "Widget");
  const { status, body: answer } = await server.call("POST", "/api/v1/nodes", { body: unknown, contentType });
  assert.deepEqual([status, answer["reason"]], [415, "UnsupportedMediaType"]);
});

test("a protobuf body that is cut off or no protobuf is refused", () => {
  assert.throws(() => openEnvelope(new Uint8Array([1, 2, 3])), ProtobufError);
  assert.throws(() => decodeMessage(types, "core.v1.Pod", new Uint8Array([0x0a, 0x7f, 1])), ProtobufError);
  assert.throws(() => decodeMessage(types, "core.v1.Pod", new Uint8Array(12).fill(0xff)), ProtobufError);
});

test("an amount that is none is refused in Kubernetes' words", () => {
  const limits = (memory: string): JsonObject => ({
    spec: { containers: [{ name: "c", resources: { limits: { memory } } }] },
  });
  assert.equal(
    checkType(types, "core.v1.Pod", limits("1GB")).mismatch,
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
  assert.equal(checkType(types, "core.v1.Pod", limits("1G")).mismatch, undefined);
});

test("decoding drops null, names unknown members by path and reports the first value that does not fit", () => {
  const check = checkType(types, "core.v1.Pod", {
    metadata: { name: "p", labels: null },
    spec: { containers: [{ name: "c", imagee: "x", resources: { limits: { cpu: 1 } } }], hostNetwork: "yes" },
  });
  assert.deepEqual(check.unknown, ["spec.containers[0].imagee"]);
  assert.equal(
    check.mismatch,
    "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
  );
  assert.deepEqual(check.object["metadata"], { name: "p" });
  assert.deepEqual(check.object["spec"], {
    containers: [{ name: "c", resources: { limits: { cpu: "1" } } }],
    hostNetwork: "yes",
  });
});

test("every type that a member names is in the table", () => {
  const roots = ["core.v1.Pod", "core.v1.Node", "apps.v1.Deployment", "apiextensions.v1.CustomResourceDefinition"];
  assert.ok(types.reachableFrom(roots).length > 150);
});

function field(number: number, content: readonly number[]): number[] {
  assert.ok(content.length < 128);
  return [(number << 3) | 2, content.length, ...content];
}

function references(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "$ref" && typeof item === "string" ? [item] : references(item ?? null),
  );
}
