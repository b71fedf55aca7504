import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { FieldType, TypeCatalog } from "./type-table.ts";

/** Adds the parts that Go's structs always have, if empty, and so write: `resources: {}` of a container. */
export function addStructs(types: TypeCatalog, typeName: string, object: JsonObject): void {
  for (const field of types.get(typeName).fields.values()) {
    if (field.alwaysPresent && field.type.kind === "object" && object[field.name] === undefined)
      object[field.name] = {};
    if (field.keepsNull && object[field.name] === undefined) object[field.name] = null;
    addBelow(types, field.type, object[field.name]);
  }
}

function addBelow(types: TypeCatalog, type: FieldType, value: JsonValue | undefined): void {
  if (value === undefined || value === null || type.kind === "scalar") return;
  if (type.kind === "object") {
    if (isJsonObject(value)) addStructs(types, type.name, value);
  } else if (Array.isArray(value)) for (const item of value) addBelow(types, type.item, item);
  else if (isJsonObject(value)) for (const item of Object.values(value)) addBelow(types, type.item, item);
}
