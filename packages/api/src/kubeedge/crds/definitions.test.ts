import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonValue } from "@skerry/base";
import { kubeEdgeDefinitions } from "./index.ts";

/** What an API server demands of a structural schema: every node has a type. */
function untypedNodes(schema: JsonValue | undefined, path: string): string[] {
  if (!isJsonObject(schema)) return [`${path} is not a schema`];
  const wrong = typeof schema["type"] === "string" ? [] : [`${path} has no type`];
  const properties = schema["properties"];
  if (isJsonObject(properties))
    for (const [name, child] of Object.entries(properties)) wrong.push(...untypedNodes(child, `${path}.${name}`));
  if (schema["type"] === "array") wrong.push(...untypedNodes(schema["items"], `${path}[]`));
  if (isJsonObject(schema["additionalProperties"]))
    wrong.push(...untypedNodes(schema["additionalProperties"], `${path}{}`));
  return wrong;
}

test("every definition is named after its plural and group and has a structural schema", () => {
  for (const definition of kubeEdgeDefinitions) {
    assert.equal(definition.metadata.name, `${definition.spec.names.plural}.${definition.spec.group}`);
    for (const version of definition.spec.versions)
      assert.deepEqual(untypedNodes(version.schema.openAPIV3Schema, definition.spec.names.kind), []);
  }
});

test("exactly one version of each definition is stored", () => {
  for (const definition of kubeEdgeDefinitions)
    assert.equal(definition.spec.versions.filter((version) => version.storage).length, 1);
});
