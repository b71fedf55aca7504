import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { OpenApiDocuments } from "./openapi-documents.ts";

const V3_REFERENCE = "#/components/schemas/";
const V2_REFERENCE = "#/definitions/";
/** Members of a schema that both versions of OpenAPI have and that say the same in both. */
const COMMON_MEMBERS = ["type", "format", "description", "required", "enum"] as const;

/**
 * The OpenAPI v2 document of all groups, made from those of v3: for kubectl before 1.27, which takes no other. What v2 cannot
 * say (alternatives, null, members that are kept though unknown) is left open.
 */
export function openApiV2(documents: OpenApiDocuments): JsonObject {
  const paths: JsonObject = {};
  const definitions: JsonObject = {};
  for (const path of documents.documentPaths()) {
    const document: unknown = JSON.parse(documents.document(path) ?? "{}");
    if (!isJsonObject(document)) continue;
    for (const [name, schema] of Object.entries(objectAt(objectAt(document, "components"), "schemas")))
      if (isJsonObject(schema)) definitions[name] ??= schemaV2(schema);
    for (const [url, operations] of Object.entries(objectAt(document, "paths")))
      if (isJsonObject(operations)) paths[url] = operationsV2(operations);
  }
  return { swagger: "2.0", info: { title: "Kubernetes", version: "v1" }, paths, definitions };
}

function schemaV2(schema: JsonObject): JsonObject {
  const { $ref, allOf, oneOf, properties, items, additionalProperties } = schema;
  const result: JsonObject = {};
  for (const name of COMMON_MEMBERS) if (schema[name] !== undefined) result[name] = schema[name];
  for (const [name, value] of Object.entries(schema)) if (name.startsWith("x-kubernetes-")) result[name] = value;
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) {
    delete result["type"];
    return result;
  }
  const [only, ...others] = Array.isArray(allOf) ? allOf : [];
  const reference = $ref ?? (isJsonObject(only) && others.length === 0 ? only["$ref"] : undefined);
  if (typeof reference === "string") return { ...result, $ref: reference.replace(V3_REFERENCE, V2_REFERENCE) };
  // Quantities, and numbers that may be texts: v2 calls both texts, which take numbers too.
  if (Array.isArray(oneOf) && oneOf.every(isPlainType)) result["type"] = "string";
  if (isJsonObject(properties)) result["properties"] = mapObject(properties, schemaV2);
  if (isJsonObject(items)) result["items"] = schemaV2(items);
  if (isJsonObject(additionalProperties)) result["additionalProperties"] = schemaV2(additionalProperties);
  return result;
}

function isPlainType(value: JsonValue): boolean {
  return isJsonObject(value) && Object.keys(value).join() === "type";
}

function operationsV2(operations: JsonObject): JsonObject {
  return mapObject(operations, (operation) => {
    const { parameters, requestBody, responses, ...extensions } = operation;
    const content = objectAt(isJsonObject(requestBody) ? requestBody : {}, "content");
    const [body] = Object.values(content);
    return {
      ...extensions,
      ...(body === undefined ? {} : { consumes: Object.keys(content) }),
      parameters: [
        ...(isJsonObject(body) ? [{ name: "body", in: "body", required: true, schema: schemaOf(body) }] : []),
        ...(Array.isArray(parameters) ? parameters.filter(isJsonObject).map(parameterV2) : []),
      ],
      responses: mapObject(isJsonObject(responses) ? responses : {}, (response) => {
        const [answer] = Object.values(objectAt(response, "content"));
        return { description: response["description"] ?? "", schema: schemaOf(isJsonObject(answer) ? answer : {}) };
      }),
    };
  });
}

function parameterV2({ schema, ...parameter }: JsonObject): JsonObject {
  return { ...parameter, ...(isJsonObject(schema) ? schema : {}) };
}

function schemaOf(content: JsonObject): JsonObject {
  return schemaV2(objectAt(content, "schema"));
}

function objectAt(parent: JsonObject, member: string): JsonObject {
  const value = parent[member];
  return isJsonObject(value) ? value : {};
}

function mapObject(object: JsonObject, change: (value: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, change(isJsonObject(value) ? value : {})]),
  );
}
