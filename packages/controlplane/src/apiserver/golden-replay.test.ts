import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonValue } from "@skerry/base";
import { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { builtInTypes } from "../openapi/built-in-types.ts";
import { builtInResources } from "../registry/kinds/kinds.ts";
import { readFixture } from "../testing/fixtures.ts";
import { startTestApiServer } from "../testing/test-api-server.ts";

/** One HTTP exchange of kubectl with a real kube-apiserver. */
interface Exchange {
  readonly command: string;
  readonly method: string;
  readonly url: string;
  readonly contentType: string | null;
  readonly body: JsonValue;
  readonly status: number;
  readonly answer: JsonValue;
}

/** Where we answer differently on purpose, and how much of the answer must still agree. */
const differences: Readonly<Record<string, "status-only" | "skipped">> = {
  // Ours says which value could not be read, and of which member; as 400, since the patch itself is well-formed.
  "kubectl apply -f files/bad-type.yaml": "skipped",
  // Rules in CEL are not evaluated.
  "kubectl apply -f files/widget-bad.yaml": "status-only",
  "kubectl apply -f files/widget-cel.yaml": "skipped",
  // Ours says which operation failed.
  'kubectl patch deploy edge-app --type=json -p \'[{"op":"test","path":"/spec/replicas","value":7}]\'': "status-only",
  // CRDs are established at once, and the list of patch forms has no server-side apply.
  "kubectl apply -f files/crd.yaml": "status-only",
  "kubectl patch widget w1 -p '{\"spec\":{}}'": "status-only",
  // The same, worded by our selector parser.
  "kubectl get --raw '/api/v1/pods?labelSelector=a%21%21'": "status-only",
  "kubectl get --raw '/api/v1/namespaces?resourceVersion=999999999'": "status-only",
};

test("the recorded requests of kubectl get the answers of the real API server", async () => {
  await using server = await startTestApiServer();
  for (const exchange of readFixture<Exchange[]>("exchanges.json")) {
    const difference = differences[exchange.command];
    if (difference === "skipped") continue;
    const { command, method, url } = exchange;
    // The pod had been deleted by a command that is not replayed.
    if (command === "kubectl replace -f files/pod.yaml")
      await server.call("DELETE", "/api/v1/namespaces/default/pods/one");
    const response = await server.send(method, url, {
      ...(exchange.body === null ? {} : { body: exchange.body }),
      ...(exchange.contentType === null ? {} : { contentType: exchange.contentType }),
    });
    assert.equal(
      response.status,
      exchange.status,
      `${command}: ${method} ${url}: ${JSON.stringify(response.body).slice(0, 500)}`,
    );
    if (difference === "status-only") continue;
    assert.equal(typeof response.body, "string", command);
    const text = String(response.body);
    const answer = typeof exchange.answer === "string" ? text : normalized(JSON.parse(text) as JsonValue, "");
    assert.deepEqual(answer, withoutAddresses(exchange.answer), `${command}: ${method} ${url}`);
  }
});

test("the columns of kubectl get are those of the real API server", () => {
  const recorded = readFixture<Record<string, [string, string, string, number][]>>("columns.json");
  const compared: string[] = [];
  for (const { reference, columns } of builtInResources(new TypeTopologies(builtInTypes()))) {
    const path = `${reference.group}/${reference.version}/${reference.resource}`;
    const expected = recorded[path];
    if (!expected) continue;
    compared.push(path);
    assert.deepEqual(
      columns.map(({ name, type, format = "", priority }) => [name, type, format, priority]),
      expected,
      path,
    );
  }
  assert.ok(compared.length >= 10, compared.join());
});

/** What the server makes up itself, as the fixture has it. */
function normalized(value: JsonValue | undefined, member: string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => normalized(item, member));
  if (isJsonObject(value))
    return withoutAddresses(
      Object.fromEntries(
        Object.entries(value)
          // The fixture has it without; fieldmanager/ is compared with recordings that have it.
          .filter(([key]) => key !== "managedFields")
          .map(([key, item]) => [
            key,
            member === "metadata" && ["uid", "resourceVersion", "creationTimestamp"].includes(key)
              ? "(set)"
              : normalized(item, key),
          ]),
      ),
    );
  return typeof value === "string"
    ? value.replaceAll(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-(any)")
    : (value ?? null);
}

/** Service addresses and UIDs in a Status are the server's choice. */
function withoutAddresses(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutAddresses);
  if (!isJsonObject(value)) return value;
  const result: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === "clusterIP" || key === "clusterIPs") result[key] = "(address)";
    else if (key === "uid") result[key] = "(set)";
    else if (item !== undefined) result[key] = withoutAddresses(item);
  }
  return result;
}
