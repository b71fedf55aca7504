import { Environment } from "@marcbachmann/cel-js";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { EXPRESSION_LIMITS } from "../../customresources/cel-rules.ts";
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
  readonly #environment = new Environment({ limits: EXPRESSION_LIMITS })
    .registerVariable("object", "dyn")
    .registerVariable("oldObject", "dyn")
    .registerVariable("request", "dyn");
  #compiled: readonly Condition[] | undefined;

  constructor(conditions: readonly JsonObject[]) {
    this.#conditions = conditions;
  }

  /** Why each of the conditions that cannot be read cannot be, by its place in the list. */
  problems(): ReadonlyMap<number, string> {
    const problems = new Map<number, string>();
    for (const [index, condition] of this.#conditions.entries())
      try {
        this.#environment.parse(textAt(condition, "expression"));
      } catch (error) {
        problems.set(index, firstLine(error));
      }
    return problems;
  }

  /** One that does not hold settles it, even when another fails. */
  judge({ object, oldObject, request }: ConditionVariables): ConditionVerdict {
    if (this.#conditions.length === 0) return { verdict: "matches" };
    const variables = { object: celValue(object), oldObject: celValue(oldObject), request: celValue(request) };
    let failure: string | undefined;
    try {
      this.#compiled ??= this.#conditions.map((condition) => ({
        name: textAt(condition, "name"),
        holds: this.#environment.parse(textAt(condition, "expression")),
      }));
    } catch (error) {
      return { verdict: "failed", reason: firstLine(error) };
    }
    for (const { name, holds } of this.#compiled)
      try {
        if (holds(variables) !== true) return { verdict: "differs" };
      } catch (error) {
        failure ??= `${name}: ${firstLine(error)}`;
      }
    return failure === undefined ? { verdict: "matches" } : { verdict: "failed", reason: failure };
  }
}

interface Condition {
  readonly name: string;
  readonly holds: (variables: Readonly<Record<string, unknown>>) => unknown;
}

/** JSON without a schema: whole numbers are integers. */
function celValue(value: JsonValue): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, celValue(member ?? null)]));
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  return text.slice(0, 300);
}
