import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { objectAt } from "../registry/api-object.ts";

/** Members that every object has, whatever its schema says. */
const ALWAYS_KEPT: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** Removes members that a structural schema does not name; their paths are added to `unknown`. */
export function pruneUnknown(schema: JsonObject, object: JsonObject, unknown: string[]): void {
  pruneObject(schema, object, "", true, unknown);
}

function pruneObject(
  schema: JsonObject,
  object: JsonObject,
  path: string,
  isResource: boolean,
  unknown: string[],
): void {
  const properties = objectAt(schema, "properties");
  const additional = schema["additionalProperties"];
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true;
  for (const [name, value] of Object.entries(object)) {
    if (isResource && ALWAYS_KEPT.has(name)) continue;
    const memberPath = path === "" ? name : `${path}.${name}`;
    const member = Object.hasOwn(properties, name) ? properties[name] : additional;
    if (isJsonObject(member)) pruneValue(member, value, memberPath, unknown);
    else if (!keepsAll && additional !== true) {
      unknown.push(memberPath);
      delete object[name];
    }
  }
}

function pruneValue(schema: JsonObject, value: JsonValue | undefined, path: string, unknown: string[]): void {
  if (isJsonObject(value)) {
    // A member without structure, e.g. int-or-string, is judged by validation.
    pruneObject(schema, value, path, schema["x-kubernetes-embedded-resource"] === true, unknown);
  } else if (Array.isArray(value) && isJsonObject(schema["items"])) {
    for (const [index, item] of value.entries()) pruneValue(schema["items"], item, `${path}[${index}]`, unknown);
  }
}

/** Fills in the schema's defaults, also below members that defaults brought in; null makes room for a default. */
export function applySchemaDefaults(schema: JsonObject, object: JsonObject): void {
  for (const [name, member] of Object.entries(objectAt(schema, "properties"))) {
    if (!isJsonObject(member)) continue;
    if (object[name] === null && member["nullable"] !== true) delete object[name];
    if (object[name] === undefined && member["default"] !== undefined)
      object[name] = structuredClone(member["default"]);
    defaultBelow(member, object[name]);
  }
  const additional = schema["additionalProperties"];
  if (!isJsonObject(additional)) return;
  const properties = objectAt(schema, "properties");
  for (const [name, value] of Object.entries(object))
    if (!Object.hasOwn(properties, name)) defaultBelow(additional, value);
}

function defaultBelow(schema: JsonObject, value: JsonValue | undefined): void {
  if (isJsonObject(value)) applySchemaDefaults(schema, value);
  else if (Array.isArray(value) && isJsonObject(schema["items"]))
    for (const item of value) defaultBelow(schema["items"], item);
}
