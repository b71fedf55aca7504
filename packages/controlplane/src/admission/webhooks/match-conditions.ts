import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { CelEnvironment, type CelProblem, type CelProgram, celReason } from "../../cel/cel-environment.ts";
import { textAt } from "../../registry/api-object.ts";

/** What the expressions see. */
export interface ConditionVariables {
  readonly object: JsonValue;
  readonly oldObject: JsonValue;
  readonly request: JsonObject;
}

/** Whether a webhook is to be asked; `failed` when its conditions cannot tell. */
export type ConditionVerdict =
  | { readonly verdict: "matches" | "differs" }
  | { readonly verdict: "failed"; readonly reason: string };

/** The `matchConditions` of a webhook, in CEL: it is asked only when all of them hold. */
export class MatchConditions {
  readonly #conditions: readonly JsonObject[];
  #made: CelEnvironment | undefined;
  #compiled: readonly Condition[] | undefined;

  constructor(conditions: readonly JsonObject[]) {
    this.#conditions = conditions;
  }

  /** Most webhooks have no conditions: made for the first one. */
  get #environment(): CelEnvironment {
    this.#made ??= new CelEnvironment(["object", "oldObject", "request"]);
    return this.#made;
  }

  /** Why each of the conditions that cannot be read cannot be, by its place in the list. */
  problems(): ReadonlyMap<number, string> {
    const problems = new Map<number, string>();
    for (const [index, condition] of this.#conditions.entries()) {
      const compiled = this.#environment.compile(textAt(condition, "expression"));
      if (compiled.kind !== "program") problems.set(index, compiled.reason);
    }
    return problems;
  }

  /** One that does not hold settles it, even when another fails. */
  judge({ object, oldObject, request }: ConditionVariables): ConditionVerdict {
    if (this.#conditions.length === 0) return { verdict: "matches" };
    const variables = { object: celValue(object), oldObject: celValue(oldObject), request: celValue(request) };
    this.#compiled ??= this.#conditions.map((condition) => ({
      name: textAt(condition, "name"),
      compiled: this.#environment.compile(textAt(condition, "expression")),
    }));
    this.#environment.budget.restart();
    let failure: string | undefined;
    for (const { name, compiled } of this.#compiled) {
      if (compiled.kind !== "program") return { verdict: "failed", reason: compiled.reason };
      try {
        if (compiled.evaluate(variables) !== true) return { verdict: "differs" };
      } catch (error) {
        failure ??= `${name}: ${celReason(error)}`;
      }
    }
    return failure === undefined ? { verdict: "matches" } : { verdict: "failed", reason: failure };
  }
}

interface Condition {
  readonly name: string;
  readonly compiled: CelProgram | CelProblem;
}

/** JSON without a schema: whole numbers are integers. */
function celValue(value: JsonValue): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, celValue(member ?? null)]));
}
