import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { type FieldError, notSupported, required } from "../registry/field-error.ts";
import { isAbsent } from "./type-check.ts";
import type { FieldType, TypeCatalog } from "./type-table.ts";

/** Members with their own rules, or that the server fills in itself. */
const SKIPPED: ReadonlySet<string> = new Set(["status", "metadata", "apiVersion", "kind"]);

/** Finds members that the type requires and that are missing, and values outside the member's list of allowed ones. */
export function checkRequiredMembers(types: TypeCatalog, typeName: string, object: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  walkObject(types, typeName, object, "", errors);
  return errors;
}

function walkObject(
  types: TypeCatalog,
  typeName: string,
  object: JsonObject,
  path: string,
  errors: FieldError[],
): void {
  for (const field of types.get(typeName).fields.values()) {
    if (path === "" && SKIPPED.has(field.name)) continue;
    const value = object[field.name];
    const fieldPath = path === "" ? field.name : `${path}.${field.name}`;
    if (isAbsent(field, value)) {
      // A missing list is as good as an empty one; rules of the kind say when that is wrong.
      if (field.required && field.type.kind !== "list" && field.type.kind !== "map") errors.push(required(fieldPath));
      continue;
    }
    if (field.allowed && typeof value === "string" && !field.allowed.includes(value))
      errors.push(notSupported(fieldPath, value, field.allowed));
    if (value !== undefined) walkValue(types, field.type, value, fieldPath, errors);
  }
}

function walkValue(types: TypeCatalog, type: FieldType, value: JsonValue, path: string, errors: FieldError[]): void {
  switch (type.kind) {
    case "object":
      if (isJsonObject(value)) walkObject(types, type.name, value, path, errors);
      return;
    case "list":
      if (Array.isArray(value))
        for (const [index, item] of value.entries()) walkValue(types, type.item, item, `${path}[${index}]`, errors);
      return;
    case "map":
      if (isJsonObject(value))
        for (const [key, item] of Object.entries(value))
          if (item !== undefined) walkValue(types, type.item, item, `${path}[${key}]`, errors);
      return;
    case "scalar":
      return;
  }
}
