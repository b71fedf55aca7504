import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import {
  CelEnvironment,
  type CelProblem,
  type CelProgram,
  type CelVariables,
  celReason,
} from "../cel/cel-environment.ts";
import { celValue } from "../cel/cel-value.ts";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";

/** Most errors of rules reported for one object. */
const ERROR_LIMIT = 20;
/** One rule of `x-kubernetes-validations`. */
interface Rule {
  readonly program: CelProgram;
  /** Compares with the object's former state, so there must be one. */
  readonly isTransition: boolean;
  readonly messageProgram: CelProgram | undefined;
  readonly message: string;
  readonly reason: string;
  readonly fieldPath: string;
}

/** The rules in CEL that a custom resource's schema has; read when they are first needed. */
export class CelRules {
  readonly #schema: JsonObject;
  readonly #rules = new Map<JsonObject, readonly Rule[]>();
  #made: CelEnvironment | undefined;

  constructor(schema: JsonObject) {
    this.#schema = schema;
  }

  /** Made when there is a rule: most schemas have none. */
  get #environment(): CelEnvironment {
    this.#made ??= new CelEnvironment(["self", "oldSelf"]);
    return this.#made;
  }

  /** Whether any rule is there. */
  get isEmpty(): boolean {
    return !hasRules(this.#schema);
  }

  /** Checks a valid object. @param previous what it was before; undefined when it is new */
  validate(object: JsonObject, previous: JsonObject | undefined): FieldError[] {
    const errors: FieldError[] = [];
    this.#environment.budget.restart();
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
    const program = this.#environment.compile(text);
    if (program.kind !== "program") return undefined;
    const messageText = textAt(rule, "messageExpression");
    const messageProgram = messageText === "" ? undefined : this.#environment.compile(messageText);
    return {
      program,
      isTransition: program.variables.has("oldSelf") && rule["optionalOldSelf"] !== true,
      messageProgram: messageProgram?.kind === "program" ? messageProgram : undefined,
      message: textAt(rule, "message") || `failed rule: ${text}`,
      reason: textAt(rule, "reason") || "FieldValueInvalid",
      fieldPath: textAt(rule, "fieldPath"),
    };
  }

  /** The rules and messages that cannot be evaluated, each with its path and why. */
  problemsIn(): RuleProblem[] {
    const problems: RuleProblem[] = [];
    const visit = (schema: JsonValue | undefined, path: string): void => {
      if (!isJsonObject(schema)) return;
      for (const [index, rule] of objectsIn(schema["x-kubernetes-validations"]).entries())
        for (const member of ["rule", "messageExpression"]) {
          const text = textAt(rule, member);
          if (text === "") continue;
          const compiled = this.#environment.compile(text);
          if (compiled.kind !== "program")
            problems.push({ ...compiled, text, path: `${path}.x-kubernetes-validations[${index}].${member}` });
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

/** An expression of a schema that cannot be evaluated. */
export interface RuleProblem extends CelProblem {
  readonly text: string;
  /** Its place in the version's `schema`. */
  readonly path: string;
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
    if (rule.program.evaluate(variables) === true) return undefined;
  } catch (error) {
    return told(`rule evaluation error: ${celReason(error)}`);
  }
  return told(messageOf(rule, variables));
}

function messageOf({ messageProgram, message }: Rule, variables: CelVariables): string {
  if (!messageProgram) return message;
  try {
    const text = messageProgram.evaluate(variables);
    return typeof text === "string" && text.trim() !== "" ? text : message;
  } catch {
    return message;
  }
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
