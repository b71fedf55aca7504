import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** Members of objects that the API types carry without describing them; wrong types count as absent. */
export function objectAt(object: JsonObject | undefined, member: string): JsonObject | undefined {
  const value = object?.[member];
  return isJsonObject(value) ? value : undefined;
}

export function numberAt(object: JsonObject | undefined, member: string): number | undefined {
  const value = object?.[member];
  return typeof value === "number" ? value : undefined;
}

export function stringAt(object: JsonObject | undefined, member: string): string | undefined {
  const value = object?.[member];
  return typeof value === "string" ? value : undefined;
}

export function booleanAt(object: JsonObject | undefined, member: string): boolean | undefined {
  const value = object?.[member];
  return typeof value === "boolean" ? value : undefined;
}

export function listAt(object: JsonObject | undefined, member: string): readonly JsonValue[] {
  const value = object?.[member];
  return Array.isArray(value) ? value : [];
}

export function stringsAt(object: JsonObject | undefined, member: string): string[] {
  return listAt(object, member).filter((value) => typeof value === "string");
}
