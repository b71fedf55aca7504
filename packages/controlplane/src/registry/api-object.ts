import type { KubernetesObject } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** A Kubernetes object of any kind, as the registry handles it: plain JSON with metadata. */
export type ApiObject = KubernetesObject & { [member: string]: unknown };

/** The same value seen as plain JSON. An object only ever holds what JSON can carry. */
export function asJsonObject(object: KubernetesObject): JsonObject {
  return object as unknown as JsonObject;
}

/** A JSON object seen as an object of the API; its metadata must already be an object. */
export function asApiObject(json: JsonObject): ApiObject {
  return json as unknown as ApiObject;
}

/** The member's object; an empty one is put there when it is missing. */
export function ensureObject(parent: JsonObject, member: string): JsonObject {
  const value = parent[member];
  if (isJsonObject(value)) return value;
  const created: JsonObject = {};
  parent[member] = created;
  return created;
}

/** The objects in a list member; nothing when it is missing or no list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The member's object, or an empty one that belongs to nothing. */
export function objectAt(parent: JsonObject | undefined, member: string): JsonObject {
  const value = parent?.[member];
  return isJsonObject(value) ? value : {};
}

/** The texts of a list; none for what is no list. */
export function textsIn(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The member's text; empty when it is missing or no text. */
export function textAt(parent: JsonObject | undefined, member: string): string {
  const value = parent?.[member];
  return typeof value === "string" ? value : "";
}

/** The member's number, if it is one. */
export function numberAt(parent: JsonObject | undefined, member: string): number | undefined {
  const value = parent?.[member];
  return typeof value === "number" ? value : undefined;
}

/** Sets a member that is missing or null, or an empty text that has a default: clients in Go write out what they leave out. */
export function setDefault(parent: JsonObject, member: string, value: JsonValue): void {
  const given = parent[member];
  if (given === undefined || given === null || (given === "" && typeof value === "string")) parent[member] = value;
}
