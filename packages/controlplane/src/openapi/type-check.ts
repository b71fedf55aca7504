import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { isQuantity } from "@skerry/kube";
import { base64Fault } from "./base64-fault.ts";
import type { FieldDescription, FieldType, ScalarName, TypeCatalog } from "./type-table.ts";

/** What decoding an object of a built-in type found. */
export interface TypeCheck {
  /** The object without null and unknown members. */
  readonly object: JsonObject;
  /** Paths of unknown members, as strict decoding names them. */
  readonly unknown: readonly string[];
  /** The first member whose value cannot be read, in Go's words. */
  readonly mismatch: string | undefined;
  /** Of what Go type that member is. */
  readonly mismatchType: string | undefined;
}

interface Walk {
  readonly types: TypeCatalog;
  readonly unknown: string[];
  mismatch: string | undefined;
  mismatchType: string | undefined;
}

/** Nesting that an object may have. */
const DEPTH_LIMIT = 64;
/** Clients in Go read a MicroTime in no other form; one that they cannot read makes them fail on the whole list. */
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/** Reads an object as Go would into the type's struct: unknown members fall away, null means absent. */
export function checkType(types: TypeCatalog, typeName: string, object: JsonObject): TypeCheck {
  const walk: Walk = { types, unknown: [], mismatch: undefined, mismatchType: undefined };
  const read = readObject(walk, typeName, object, "", "", 0);
  return { object: read, unknown: walk.unknown, mismatch: walk.mismatch, mismatchType: walk.mismatchType };
}

function readObject(
  walk: Walk,
  typeName: string,
  source: JsonObject,
  path: string,
  goPath: string,
  depth: number,
): JsonObject {
  const type = walk.types.get(typeName);
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(source)) {
    const field = type.fields.get(name);
    const fieldPath = path === "" ? name : `${path}.${name}`;
    if (!field) {
      walk.unknown.push(fieldPath);
      continue;
    }
    if (value === null && field.keepsNull) result[name] = null;
    if (value === null || value === undefined) continue;
    const context = {
      struct: typeName.slice(typeName.lastIndexOf(".") + 1),
      goPath: goPath === "" ? name : `${goPath}.${name}`,
    };
    result[name] = readValue(walk, field.type, value, fieldPath, context, depth + 1);
  }
  return result;
}

const QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

interface Context {
  readonly struct: string;
  readonly goPath: string;
}

function readValue(
  walk: Walk,
  type: FieldType,
  value: JsonValue,
  path: string,
  context: Context,
  depth: number,
): JsonValue {
  const wrong = (goType: string): JsonValue => {
    walk.mismatchType ??= goType;
    walk.mismatch ??= `json: cannot unmarshal ${jsonKind(value)} into Go struct field ${context.struct}.${context.goPath} of type ${goType}`;
    return value;
  };
  if (depth > DEPTH_LIMIT) return wrong("nested too deeply");
  switch (type.kind) {
    case "object":
      if (!isJsonObject(value)) return wrong(goNameOf(type.name));
      return readObject(walk, type.name, value, path, context.goPath, depth);
    case "list":
      if (!Array.isArray(value)) return wrong(goTypeOf(type));
      return value.map((item, index) =>
        item === null && type.item.kind === "object"
          ? {}
          : readValue(walk, type.item, item, `${path}[${index}]`, context, depth + 1),
      );
    case "map": {
      if (!isJsonObject(value)) return wrong(goTypeOf(type));
      const members: [string, JsonValue][] = [];
      for (const [key, item] of Object.entries(value)) {
        // Go's zero value: a null in a map of texts is the empty text.
        if (item === null) members.push([key, type.item.kind === "scalar" && type.item.name === "string" ? "" : null]);
        else if (item !== undefined)
          members.push([key, readValue(walk, type.item, item, `${path}.${key}`, context, depth + 1)]);
      }
      // Not by assignment: a key may be `__proto__`.
      return Object.fromEntries(members);
    }
    case "scalar":
      if (type.name === "quantity" && typeof value === "string" && !isQuantity(value)) {
        walk.mismatchType ??= goScalar(type.name);
        walk.mismatch ??= QUANTITY_RULE;
        return value;
      }
      if (type.name === "bytes" && typeof value === "string") {
        const at = base64Fault(value);
        if (at !== undefined) {
          walk.mismatchType ??= goScalar(type.name);
          walk.mismatch ??= `illegal base64 data at input byte ${at}`;
        }
        return value;
      }
      return scalarFits(type.name, value) ? normalScalar(type.name, value) : wrong(goScalar(type.name));
  }
}

function scalarFits(name: ScalarName, value: JsonValue): boolean {
  switch (name) {
    case "string":
    case "bytes":
      return typeof value === "string";
    case "time":
      return typeof value === "string" && (value === "" || !Number.isNaN(Date.parse(value)));
    case "microtime":
      return typeof value === "string" && MICRO_TIME.test(value) && !Number.isNaN(Date.parse(value));
    case "int32":
      return Number.isInteger(value) && Math.abs(value as number) <= 2_147_483_648;
    case "int64":
      return Number.isInteger(value);
    case "double":
      return typeof value === "number";
    case "bool":
      return typeof value === "boolean";
    case "quantity":
      return typeof value === "number" || (typeof value === "string" && isQuantity(value));
    case "intorstring":
      return typeof value === "string" || Number.isInteger(value);
    case "raw":
    case "fields":
      return isJsonObject(value);
    case "any":
      return true;
  }
}

function normalScalar(name: ScalarName, value: JsonValue): JsonValue {
  return name === "quantity" ? String(value) : value;
}

function jsonKind(value: JsonValue): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "number" && !Number.isInteger(value) ? `number ${value}` : typeof value;
}

function goTypeOf(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return goScalar(type.name);
    case "object":
      return goNameOf(type.name);
    case "list":
      return `[]${goTypeOf(type.item)}`;
    case "map":
      return `map[string]${goTypeOf(type.item)}`;
  }
}

function goNameOf(name: string): string {
  const parts = name.split(".");
  return parts.slice(-2).join(".");
}

function goScalar(name: ScalarName): string {
  switch (name) {
    case "double":
      return "float64";
    case "bytes":
      return "[]uint8";
    case "time":
    case "microtime":
      return "time.Time";
    case "quantity":
      return "resource.Quantity";
    case "intorstring":
      return "intstr.IntOrString";
    case "raw":
    case "fields":
    case "any":
      return "map[string]interface {}";
    default:
      return name;
  }
}

/** Whether the member's value is absent in Go's sense: missing, or a text without characters. */
export function isAbsent(field: FieldDescription, value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (value === "" && field.type.kind === "scalar");
}
