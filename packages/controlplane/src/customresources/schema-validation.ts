import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import type { PatternCache } from "../cel/pattern-cache.ts";
import { numberAt, objectAt } from "../registry/api-object.ts";
import { duplicate, type FieldError, invalidValue, notSupported, required, tooLong } from "../registry/field-error.ts";

/** Most errors reported for one object. */
const ERROR_LIMIT = 20;

/** What a check has found, and what it works with. */
interface Findings {
  readonly errors: FieldError[];
  readonly patterns: PatternCache;
}

/**
 * Checks a custom resource against its OpenAPI v3 schema, worded as Kubernetes words it.
 * Rules in CEL are for cel-rules.ts.
 * @param path where the value stands; "" for a whole object
 */
export function validateSchema(
  schema: JsonObject,
  value: JsonValue,
  patterns: PatternCache,
  path: string = "",
): FieldError[] {
  const found: Findings = { errors: [], patterns };
  validateValue(schema, value, path, found);
  return found.errors.slice(0, ERROR_LIMIT);
}

function validateValue(schema: JsonObject, value: JsonValue, path: string, found: Findings): void {
  if (found.errors.length >= ERROR_LIMIT) return;
  if (value === null && schema["nullable"] === true) return;
  if (schema["x-kubernetes-int-or-string"] === true) {
    if (typeof value !== "string" && !Number.isInteger(value))
      found.errors.push(wrongType(path, "integer,string", value));
  } else if (typeof schema["type"] === "string" && !hasType(schema["type"], value)) {
    found.errors.push(wrongType(path, schema["type"], value));
    return;
  }
  const allowed = schema["enum"];
  if (Array.isArray(allowed) && !allowed.some((item) => jsonEqual(item, value)))
    found.errors.push(notSupported(path, value, allowed.map(String)));
  if (typeof value === "number") validateNumber(schema, value, path, found);
  if (typeof value === "string") validateText(schema, value, path, found);
  if (Array.isArray(value)) validateList(schema, value, path, found);
  if (isJsonObject(value)) validateObject(schema, value, path, found);
  validateCombinations(schema, value, path, found);
}

function hasType(type: string, value: JsonValue): boolean {
  switch (type) {
    case "object":
      return isJsonObject(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    default:
      return typeof value === type;
  }
}

function wrongType(path: string, type: string, value: JsonValue): FieldError {
  const actual = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return invalidValue(
    path,
    value === null ? "null" : value,
    `${path} in body must be of type ${type}: ${JSON.stringify(actual)}`,
  );
}

function validateNumber(schema: JsonObject, value: number, path: string, found: Findings): void {
  const report = (text: string): void => {
    found.errors.push(invalidValue(path, value, `${path} in body should be ${text}`));
  };
  const minimum = numberAt(schema, "minimum");
  const maximum = numberAt(schema, "maximum");
  if (minimum !== undefined) {
    if (schema["exclusiveMinimum"] === true && value <= minimum) report(`greater than ${minimum}`);
    else if (value < minimum) report(`greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined) {
    if (schema["exclusiveMaximum"] === true && value >= maximum) report(`less than ${maximum}`);
    else if (value > maximum) report(`less than or equal to ${maximum}`);
  }
  const multiple = numberAt(schema, "multipleOf");
  if (multiple !== undefined && multiple > 0 && value % multiple !== 0) report(`a multiple of ${multiple}`);
}

function validateText(schema: JsonObject, value: string, path: string, found: Findings): void {
  const longest = numberAt(schema, "maxLength");
  const shortest = numberAt(schema, "minLength");
  if (longest !== undefined && [...value].length > longest) found.errors.push(tooLong(path, longest));
  if (shortest !== undefined && [...value].length < shortest)
    found.errors.push(invalidValue(path, value, `${path} in body should be at least ${shortest} chars long`));
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && !fitsPattern(value, pattern, found.patterns))
    found.errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
  if (schema["format"] === "date-time" && Number.isNaN(Date.parse(value)))
    found.errors.push(invalidValue(path, value, `${path} in body must be of type date-time: ${JSON.stringify(value)}`));
}

function fitsPattern(value: string, pattern: string, patterns: PatternCache): boolean {
  // A CRD of an earlier version may hold one that is none; it is not held against the object.
  return patterns.problemOf(pattern) !== undefined || patterns.isFoundIn(value, pattern);
}

function validateList(schema: JsonObject, value: JsonValue[], path: string, found: Findings): void {
  const most = numberAt(schema, "maxItems");
  const least = numberAt(schema, "minItems");
  if (most !== undefined && value.length > most)
    found.errors.push({
      reason: "FieldValueTooMany",
      field: path,
      message: `Too many: ${value.length}: must have at most ${most} items`,
    });
  if (least !== undefined && value.length < least)
    found.errors.push(invalidValue(path, value.length, `${path} in body should have at least ${least} items`));
  if (schema["x-kubernetes-list-type"] === "set" || schema["uniqueItems"] === true)
    reportRepeated(value, path, found.errors);
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] === "map" && Array.isArray(keys))
    reportRepeated(
      value.map(
        (item) =>
          Object.fromEntries(keys.map((key) => [key, isJsonObject(item) ? item[String(key)] : null])) as JsonObject,
      ),
      path,
      found.errors,
    );
  if (isJsonObject(schema["items"]))
    for (const [index, item] of value.entries()) validateValue(schema["items"], item, `${path}[${index}]`, found);
}

function reportRepeated(values: readonly JsonValue[], path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const text = JSON.stringify(value);
    if (seen.has(text)) errors.push(duplicate(`${path}[${index}]`, value));
    seen.add(text);
  }
}

function validateObject(schema: JsonObject, value: JsonObject, path: string, found: Findings): void {
  const properties = objectAt(schema, "properties");
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const needed = schema["required"];
  if (Array.isArray(needed))
    for (const name of needed) if (value[String(name)] === undefined) found.errors.push(required(at(String(name))));
  const additional = schema["additionalProperties"];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || (path === "" && name === "metadata")) continue;
    const memberSchema = Object.hasOwn(properties, name) ? properties[name] : additional;
    if (isJsonObject(memberSchema)) validateValue(memberSchema, member, at(name), found);
  }
  const most = numberAt(schema, "maxProperties");
  const least = numberAt(schema, "minProperties");
  const count = Object.keys(value).length;
  if (most !== undefined && count > most)
    found.errors.push({
      reason: "FieldValueTooMany",
      field: path,
      message: `Too many: ${count}: must have at most ${most} items`,
    });
  if (least !== undefined && count < least)
    found.errors.push(invalidValue(path, value, `${path} in body should have at least ${least} properties`));
}

function validateCombinations(schema: JsonObject, value: JsonValue, path: string, found: Findings): void {
  const fits = (candidate: JsonValue): boolean => {
    const tried: Findings = { errors: [], patterns: found.patterns };
    if (isJsonObject(candidate)) validateValue(candidate, value, path, tried);
    return tried.errors.length === 0;
  };
  const { allOf, anyOf, oneOf, not } = schema;
  if (Array.isArray(allOf)) for (const item of allOf) if (isJsonObject(item)) validateValue(item, value, path, found);
  if (Array.isArray(anyOf) && !anyOf.some(fits))
    found.errors.push(invalidValue(path, value, `${path} in body must validate at least one schema (anyOf)`));
  if (Array.isArray(oneOf) && oneOf.filter(fits).length !== 1)
    found.errors.push(invalidValue(path, value, `${path} in body must validate one and only one schema (oneOf)`));
  if (isJsonObject(not) && fits(not))
    found.errors.push(invalidValue(path, value, `${path} in body must not validate the schema (not)`));
}
