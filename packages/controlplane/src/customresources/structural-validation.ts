import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import type { PatternCache } from "../cel/pattern-cache.ts";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../registry/field-error.ts";
import { validateListAndMapTypes } from "./list-type-validation.ts";
import { validateSchema } from "./schema-validation.ts";

/** Deepest schema that is looked at. */
const DEPTH_LIMIT = 60;
const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
const MISSING_TYPE = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
} as const;
/** What no schema of a CRD may use. */
const UNSUPPORTED = ["$ref", "additionalItems", "definitions", "dependencies", "id", "patternProperties"];
/** What schemas inside of `allOf`, `anyOf`, `oneOf` and `not` must not have. */
const NOT_NESTED: Readonly<Record<string, string>> = {
  type: "must be empty to be structural",
  additionalProperties: "must be undefined to be structural",
  default: "must be undefined to be structural",
  title: "must be empty to be structural",
  description: "must be empty to be structural",
  nullable: "must be false to be structural",
  "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
  "x-kubernetes-embedded-resource": "must be false to be structural",
  "x-kubernetes-int-or-string": "must be false to be structural",
  "x-kubernetes-list-map-keys": "must be empty to be structural",
  "x-kubernetes-list-type": "must be undefined to be structural",
  "x-kubernetes-map-type": "must be undefined to be structural",
  "x-kubernetes-validations": "must be empty to be structural",
};
const INTEGER_OR_STRING: JsonValue = [{ type: "integer" }, { type: "string" }];

type Level = keyof typeof MISSING_TYPE;

/**
 * Checks that a CRD's schema is structural, so that it says of each member what it is, and that its defaults fit it; worded
 * as Kubernetes words it. Without this one bad CRD would break every client that reads OpenAPI.
 */
export function validateStructural(schema: JsonObject, path: string, patterns: PatternCache): FieldError[] {
  return new StructuralValidation(patterns).check(schema, path);
}

class StructuralValidation {
  readonly #errors: FieldError[] = [];
  readonly #patterns: PatternCache;

  constructor(patterns: PatternCache) {
    this.#patterns = patterns;
  }

  check(schema: JsonObject, path: string): FieldError[] {
    this.#visit(schema, "root", path, 0);
    return this.#errors;
  }

  #visit(schema: JsonObject, level: Level, path: string, depth: number): void {
    if (depth > DEPTH_LIMIT) {
      this.#errors.push(invalidValue(path, "", `must not be nested deeper than ${DEPTH_LIMIT} levels`));
      return;
    }
    this.#checkType(schema, level, path);
    this.#checkMembers(schema, level, path, depth);
    this.#errors.push(...validateListAndMapTypes(schema, path));
    this.#checkValueRules(schema, schema, path, depth);
    this.#checkMetadata(schema, level, path);
    const fallback = schema["default"];
    if (fallback === undefined || fallback === null) return;
    if (level === "root") this.#errors.push(forbiddenField(`${path}.default`, "must not be set at the root"));
    else this.#errors.push(...validateSchema(schema, fallback, this.#patterns, `${path}.default`));
  }

  #checkType(schema: JsonObject, level: Level, path: string): void {
    const type = textAt(schema, "type");
    const isIntOrString = schema["x-kubernetes-int-or-string"] === true;
    const keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true;
    const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
    if (isEmbedded && type !== "object") {
      const detail = "must be object if x-kubernetes-embedded-resource is true";
      this.#errors.push(type === "" ? required(`${path}.type`, detail) : invalidValue(`${path}.type`, type, detail));
    } else if (type === "" && !isIntOrString && !keepsUnknown)
      this.#errors.push(required(`${path}.type`, MISSING_TYPE[level]));
    else if (type !== "" && !TYPES.includes(type)) this.#errors.push(notSupported(`${path}.type`, type, TYPES));
    else if (level === "root" && type !== "" && type !== "object")
      this.#errors.push(invalidValue(`${path}.type`, type, "must be object at the root"));
    if (!isIntOrString) return;
    const detail = "must be false if x-kubernetes-int-or-string is true";
    if (type !== "")
      this.#errors.push(invalidValue(`${path}.type`, type, "must be empty if x-kubernetes-int-or-string is true"));
    if (keepsUnknown) this.#errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, detail));
    if (isEmbedded) this.#errors.push(invalidValue(`${path}.x-kubernetes-embedded-resource`, true, detail));
  }

  #checkMembers(schema: JsonObject, level: Level, path: string, depth: number): void {
    for (const member of UNSUPPORTED)
      if (schema[member] !== undefined)
        this.#errors.push(forbiddenField(`${path}.${member}`, `${member} is not supported`));
    if (schema["uniqueItems"] === true)
      this.#errors.push(
        forbiddenField(
          `${path}.uniqueItems`,
          "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
      );
    const { items, additionalProperties } = schema;
    if (Array.isArray(items))
      this.#errors.push(forbiddenField(`${path}.items`, "items must be a schema object and not an array"));
    else if (isJsonObject(items)) this.#visit(items, "item", `${path}.items`, depth + 1);
    else if (schema["type"] === "array") this.#errors.push(required(`${path}.items`, "must be specified"));
    const properties = Object.entries(objectAt(schema, "properties"));
    for (const [name, member] of properties)
      if (isJsonObject(member)) this.#visit(member, "field", `${path}.properties[${name}]`, depth + 1);
    if (additionalProperties === undefined) return;
    const at = `${path}.additionalProperties`;
    if (level === "root") this.#errors.push(forbiddenField(at, "must not be used at the root"));
    if (additionalProperties === false)
      this.#errors.push(forbiddenField(at, "additionalProperties cannot be set to false"));
    else if (properties.length > 0)
      this.#errors.push(forbiddenField(at, "additionalProperties and properties are mutual exclusive"));
    if (isJsonObject(additionalProperties)) this.#visit(additionalProperties, "field", at, depth + 1);
  }

  /** Pattern and combinations, which may name only what `outer`, the structure beside them, names. */
  #checkValueRules(schema: JsonObject, outer: JsonObject, path: string, depth: number): void {
    const { pattern } = schema;
    const problem = typeof pattern === "string" ? this.#patterns.problemOf(pattern) : undefined;
    if (problem !== undefined)
      this.#errors.push(
        invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`),
      );
    const [firstOfAll] = objectsIn(schema["allOf"]);
    for (const combination of ["anyOf", "allOf", "oneOf"]) {
      if (combination === "anyOf" && jsonEqual(schema["anyOf"] ?? null, INTEGER_OR_STRING)) continue;
      for (const [index, nested] of objectsIn(schema[combination]).entries()) {
        const isIntOrString =
          combination === "allOf" && nested === firstOfAll && jsonEqual(nested["anyOf"] ?? null, INTEGER_OR_STRING);
        const { anyOf: _anyOf, ...rest } = nested;
        this.#visitNested(isIntOrString ? rest : nested, outer, `${path}.${combination}[${index}]`, depth + 1);
      }
    }
    if (isJsonObject(schema["not"])) this.#visitNested(schema["not"], outer, `${path}.not`, depth + 1);
  }

  #visitNested(schema: JsonObject, outer: JsonObject, path: string, depth: number): void {
    if (depth > DEPTH_LIMIT) {
      this.#errors.push(invalidValue(path, "", `must not be nested deeper than ${DEPTH_LIMIT} levels`));
      return;
    }
    for (const [member, detail] of Object.entries(NOT_NESTED))
      if (isSet(schema[member])) this.#errors.push(forbiddenField(`${path}.${member}`, detail));
    this.#checkValueRules(schema, outer, path, depth);
    const outerProperties = objectAt(outer, "properties");
    for (const [name, nested] of Object.entries(objectAt(schema, "properties"))) {
      const at = `${path}.properties[${name}]`;
      const known = Object.hasOwn(outerProperties, name) ? outerProperties[name] : undefined;
      if (name === "metadata") this.#errors.push(forbiddenField(at, "must not be specified in a nested context"));
      else if (!isJsonObject(known)) this.#errors.push(required(at, "must be named outside of the combination too"));
      else if (isJsonObject(nested)) this.#visitNested(nested, known, at, depth + 1);
    }
    const { items } = schema;
    if (!isJsonObject(items)) return;
    if (isJsonObject(outer["items"])) this.#visitNested(items, outer["items"], `${path}.items`, depth + 1);
    else this.#errors.push(required(`${path}.items`, "must be named outside of the combination too"));
  }

  #checkMetadata(schema: JsonObject, level: Level, path: string): void {
    const properties = objectAt(schema, "properties");
    if (level !== "root" && schema["x-kubernetes-embedded-resource"] !== true) return;
    for (const name of ["apiVersion", "kind"]) {
      const member = properties[name];
      if (isJsonObject(member) && member["type"] !== "string")
        this.#errors.push(invalidValue(`${path}.properties[${name}].type`, member["type"] ?? "", "must be string"));
    }
    const { metadata } = properties;
    const at = `${path}.properties[metadata]`;
    if (isJsonObject(metadata)) {
      if (metadata["type"] !== "object")
        this.#errors.push(invalidValue(`${at}.type`, metadata["type"] ?? "", "must be object"));
      const named = Object.keys(objectAt(metadata, "properties"));
      if (level === "root" && named.some((name) => name !== "name" && name !== "generateName"))
        this.#errors.push(
          forbiddenField(
            at,
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
          ),
        );
    }
    const needsProperties = level !== "root" && schema["x-kubernetes-preserve-unknown-fields"] !== true;
    if (needsProperties && Object.keys(properties).length === 0)
      this.#errors.push(
        required(
          `${path}.properties`,
          "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ),
      );
  }
}

/** Empty texts and lists and `false` are as good as nothing. */
function isSet(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  return !Array.isArray(value) || value.length > 0;
}
