import { isJsonObject, type JsonObject } from "@skerry/base";
import { objectAt, textAt, textsIn } from "../registry/api-object.ts";
import { type FieldError, invalidValue, notSupported, required } from "../registry/field-error.ts";

const LIST_TYPES = ["atomic", "set", "map"];
const MAP_TYPES = ["granular", "atomic"];

/** Checks `x-kubernetes-list-type`, its keys, and `x-kubernetes-map-type` of one schema; worded as Kubernetes words it. */
export function validateListAndMapTypes(schema: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = textAt(schema, "type");
  const mapType = schema["x-kubernetes-map-type"];
  if (typeof mapType === "string") {
    if (type !== "object")
      errors.push(wrongType(`${path}.type`, type, "must be object if x-kubernetes-map-type is specified"));
    if (!MAP_TYPES.includes(mapType)) errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, MAP_TYPES));
  }
  const listType = schema["x-kubernetes-list-type"];
  if (typeof listType === "string") {
    if (type !== "array")
      errors.push(wrongType(`${path}.type`, type, "must be array if x-kubernetes-list-type is specified"));
    if (!LIST_TYPES.includes(listType))
      errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, LIST_TYPES));
  }
  return [...errors, ...validateKeys(schema, path)];
}

function validateKeys(schema: JsonObject, path: string): FieldError[] {
  const keys = textsIn(schema["x-kubernetes-list-map-keys"]);
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    return keys.length === 0 ? [] : [wrongType(`${path}.x-kubernetes-list-type`, listType ?? "", detail)];
  }
  const { items } = schema;
  if (!isJsonObject(items)) return [required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map")];
  const errors: FieldError[] = [];
  if (items["type"] !== "object")
    errors.push(
      invalidValue(
        `${path}.items.type`,
        items["type"] ?? "",
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  if (keys.length === 0)
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"));
  const properties = objectAt(items, "properties");
  const needed = textsIn(items["required"]);
  for (const [index, key] of keys.entries()) {
    const at = `${path}.x-kubernetes-list-map-keys[${index}]`;
    const member = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!isJsonObject(member)) errors.push(invalidValue(at, key, "entries must all be names of item properties"));
    else if (member["type"] === "array" || member["type"] === "object")
      errors.push(invalidValue(at, key, "must be a scalar property of the items"));
    else if (!needed.includes(key) && member["default"] === undefined)
      errors.push(
        required(
          `${path}.items.properties[${key}].default`,
          "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
      );
  }
  return errors;
}

function wrongType(path: string, actual: unknown, detail: string): FieldError {
  return actual === "" ? required(path, detail) : invalidValue(path, actual, detail);
}
