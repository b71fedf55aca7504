import type { JsonObject } from "@skerry/base";

// Short builders for structural schemas, so that the definitions read like the tables they come from.

export const text: JsonObject = { type: "string" };
export const flag: JsonObject = { type: "boolean" };
export const integer32: JsonObject = { type: "integer", format: "int32" };
export const integer64: JsonObject = { type: "integer", format: "int64" };
/** A free object: unknown members are kept. */
export const freeObject: JsonObject = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
export const textMap: JsonObject = { type: "object", additionalProperties: text };

export function oneOf(...values: string[]): JsonObject {
  return { type: "string", enum: values };
}

export function object(properties: JsonObject, ...required: string[]): JsonObject {
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}) };
}

export function listOf(items: JsonObject): JsonObject {
  return { type: "array", items };
}

/** The schema of a whole object: type and metadata beside the given members. */
export function root(members: JsonObject): JsonObject {
  return object({ apiVersion: text, kind: text, metadata: { type: "object" }, ...members });
}
