import { Environment } from "@marcbachmann/cel-js";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";

/** Most errors of rules reported for one object. */
const ERROR_LIMIT = 20;
/** What one expression may consist of: rules come from outside. */
export const EXPRESSION_LIMITS = { maxAstNodes: 5_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000 };

/** A value as CEL sees it: whole numbers are integers where the schema says so. */
type CelValue = unknown;
type Expression = (variables: Readonly<Record<string, CelValue>>) => unknown;

/** One rule of `x-kubernetes-validations`. */
interface Rule {
  readonly expression: Expression;
  /** Compares with the object's former state, so there must be one. */
  readonly isTransition: boolean;
  readonly messageExpression: Expression | undefined;
  readonly message: string;
  readonly reason: string;
  readonly fieldPath: string;
}

/** The rules in CEL that a custom resource's schema has; read when they are first needed. */
export class CelRules {
  readonly #schema: JsonObject;
  readonly #rules = new Map<JsonObject, readonly Rule[]>();
  readonly #environment = new Environment({ limits: EXPRESSION_LIMITS })
    .registerVariable("self", "dyn")
    .registerVariable("oldSelf", "dyn");

  constructor(schema: JsonObject) {
    this.#schema = schema;
  }

  /** Whether any rule is there. */
  get isEmpty(): boolean {
    return !hasRules(this.#schema);
  }

  /** Checks a valid object. @param previous what it was before; undefined when it is new */
  validate(object: JsonObject, previous: JsonObject | undefined): FieldError[] {
    const errors: FieldError[] = [];
    this.#visit(this.#schema, object, previous, "", errors);
    return errors.slice(0, ERROR_LIMIT);
  }

  #visit(
    schema: JsonObject,
    value: JsonValue,
    previous: JsonValue | undefined,
    path: string,
    errors: FieldError[],
  ): void {
    if (errors.length >= ERROR_LIMIT) return;
    for (const rule of this.#rulesOf(schema)) {
      if (rule.isTransition && previous === undefined) continue;
      const error = broken(rule, schema, value, previous, path);
      if (error) errors.push(error);
    }
    if (Array.isArray(value)) this.#visitItems(schema, value, previous, path, errors);
    else if (isJsonObject(value)) this.#visitMembers(schema, value, previous, path, errors);
  }

  #visitMembers(
    schema: JsonObject,
    value: JsonObject,
    previous: JsonValue | undefined,
    path: string,
    errors: FieldError[],
  ): void {
    const properties = objectAt(schema, "properties");
    for (const [name, member] of Object.entries(value)) {
      const below = Object.hasOwn(properties, name) ? properties[name] : schema["additionalProperties"];
      if (!isJsonObject(below) || member === undefined) continue;
      const at = path === "" ? name : `${path}.${name}`;
      this.#visit(below, member, isJsonObject(previous) ? previous[name] : undefined, at, errors);
    }
  }

  #visitItems(
    schema: JsonObject,
    value: readonly JsonValue[],
    previous: JsonValue | undefined,
    path: string,
    errors: FieldError[],
  ): void {
    const { items } = schema;
    if (!isJsonObject(items)) return;
    const keys = schema["x-kubernetes-list-type"] === "map" ? schema["x-kubernetes-list-map-keys"] : undefined;
    for (const [index, item] of value.entries())
      this.#visit(items, item, formerItem(item, previous, keys), `${path}[${index}]`, errors);
  }

  #rulesOf(schema: JsonObject): readonly Rule[] {
    const known = this.#rules.get(schema);
    if (known) return known;
    const rules = objectsIn(schema["x-kubernetes-validations"]).flatMap((rule) => this.#compile(rule) ?? []);
    this.#rules.set(schema, rules);
    return rules;
  }

  /** Undefined for a rule that cannot be evaluated here; `problemsIn` tells of those when the CRD is written. */
  #compile(rule: JsonObject): Rule | undefined {
    const text = textAt(rule, "rule");
    const messageText = textAt(rule, "messageExpression");
    try {
      return {
        expression: this.#environment.parse(text),
        isTransition: /\boldSelf\b/.test(text) && rule["optionalOldSelf"] !== true,
        messageExpression: messageText === "" ? undefined : this.#environment.parse(messageText),
        message: textAt(rule, "message") || `failed rule: ${text}`,
        reason: textAt(rule, "reason") || "FieldValueInvalid",
        fieldPath: textAt(rule, "fieldPath"),
      };
    } catch {
      return undefined;
    }
  }

  /** The rules that cannot be read, each with its path and why. */
  problemsIn(): { readonly path: string; readonly reason: string }[] {
    const problems: { path: string; reason: string }[] = [];
    const visit = (schema: JsonValue | undefined, path: string): void => {
      if (!isJsonObject(schema)) return;
      for (const [index, rule] of objectsIn(schema["x-kubernetes-validations"]).entries())
        try {
          this.#environment.parse(textAt(rule, "rule"));
        } catch (error) {
          const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
          problems.push({ path: `${path}.x-kubernetes-validations[${index}].rule`, reason: reason.slice(0, 300) });
        }
      for (const [name, member] of Object.entries(objectAt(schema, "properties")))
        visit(member, `${path}.properties[${name}]`);
      visit(schema["items"], `${path}.items`);
      visit(schema["additionalProperties"], `${path}.additionalProperties`);
    };
    visit(this.#schema, "openAPIV3Schema");
    return problems;
  }
}

function broken(
  rule: Rule,
  schema: JsonObject,
  value: JsonValue,
  previous: JsonValue | undefined,
  path: string,
): FieldError | undefined {
  const variables = {
    self: celValue(schema, value),
    ...(previous === undefined ? {} : { oldSelf: celValue(schema, previous) }),
  };
  const field = `${path}${rule.fieldPath}`.replace(/^\./, "") || "<nil>";
  const told = (text: string): FieldError => ({
    reason: rule.reason,
    field,
    message: `${rule.reason === "FieldValueForbidden" ? "Forbidden" : rule.reason === "FieldValueRequired" ? "Required value" : "Invalid value"}: ${text}`,
  });
  try {
    if (rule.expression(variables) === true) return undefined;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return told(`rule evaluation error: ${reason.slice(0, 300)}`);
  }
  return told(messageOf(rule, variables));
}

function messageOf({ messageExpression, message }: Rule, variables: Readonly<Record<string, CelValue>>): string {
  if (!messageExpression) return message;
  try {
    const text = messageExpression(variables);
    return typeof text === "string" && text.trim() !== "" ? text : message;
  } catch {
    return message;
  }
}

/** CEL tells integers from other numbers, JSON does not. */
function celValue(schema: JsonValue | undefined, value: JsonValue): CelValue {
  const known = isJsonObject(schema) ? schema : {};
  if (typeof value === "number") {
    const isWhole = known["type"] === "integer" || known["x-kubernetes-int-or-string"] === true;
    return isWhole && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => celValue(known["items"], item));
  if (!isJsonObject(value)) return value;
  const properties = objectAt(known, "properties");
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      celValue(Object.hasOwn(properties, name) ? properties[name] : known["additionalProperties"], member ?? null),
    ]),
  );
}

/** Items of lists without keys have no former self. */
function formerItem(
  item: JsonValue,
  previous: JsonValue | undefined,
  keys: JsonValue | undefined,
): JsonValue | undefined {
  if (!Array.isArray(previous) || !Array.isArray(keys) || !isJsonObject(item)) return undefined;
  return objectsIn(previous).find((former) => keys.every((key) => former[String(key)] === item[String(key)]));
}

function hasRules(schema: JsonValue | undefined): boolean {
  if (!isJsonObject(schema)) return false;
  if (objectsIn(schema["x-kubernetes-validations"]).length > 0) return true;
  return (
    Object.values(objectAt(schema, "properties")).some(hasRules) ||
    hasRules(schema["items"]) ||
    hasRules(schema["additionalProperties"])
  );
}
