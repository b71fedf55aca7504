import { Environment, ParseError } from "@marcbachmann/cel-js";
import { CelBudget } from "./cel-budget.ts";
import { visit, withBudget } from "./cel-rewriting.ts";
import { registerFormatFunctions } from "./format-functions.ts";
import { registerListFunctions, sizeOf } from "./list-functions.ts";
import { registerNetworkFunctions } from "./network-functions.ts";
import { PatternCache } from "./pattern-cache.ts";
import { registerQuantityFunctions } from "./quantity-functions.ts";
import { registerStringFunctions } from "./string-functions.ts";
import { registerTimeFunctions } from "./time-functions.ts";
import { registerTwoVariableMacros } from "./two-variable-macros.ts";
import { registerUrlFunctions } from "./url-functions.ts";
import { registerVersionFunctions } from "./version-functions.ts";

/** What one expression may consist of: rules come from outside. */
const EXPRESSION_LIMITS = { maxAstNodes: 5_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000 };
/** Longest reason told. */
const REASON_LENGTH = 300;

/** The values of an expression's variables, as `celValue` makes them. */
export type CelVariables = Readonly<Record<string, unknown>>;

/** An expression, ready to be evaluated. */
export interface CelProgram {
  readonly kind: "program";
  /** The variables that it names. */
  readonly variables: ReadonlySet<string>;
  /** @throws Error with Kubernetes' words when the values do not fit, or when it costs too much */
  evaluate(variables: CelVariables): unknown;
}

/** Why a text is no program: it is wrong in any case, or it uses what is not known here. */
export interface CelProblem {
  readonly kind: "syntax" | "unknown";
  readonly reason: string;
}

/** CEL with Kubernetes' functions. Variables have no static type: members are looked at when they are used. */
export class CelEnvironment {
  readonly patterns: PatternCache = new PatternCache();
  readonly budget: CelBudget = new CelBudget();
  readonly #environment = new Environment({
    limits: EXPRESSION_LIMITS,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });

  /** @param variables the names that expressions may use */
  constructor(variables: readonly string[]) {
    for (const name of variables) this.#environment.registerVariable(name, "dyn");
    registerStringFunctions(this.#environment, this.patterns);
    registerListFunctions(this.#environment, this.budget);
    registerQuantityFunctions(this.#environment);
    registerNetworkFunctions(this.#environment);
    registerUrlFunctions(this.#environment);
    registerFormatFunctions(this.#environment);
    registerVersionFunctions(this.#environment);
    registerTimeFunctions(this.#environment);
    registerTwoVariableMacros(this.#environment);
    this.#environment
      .registerFunction("list.spendList(): list", (list: Iterable<unknown>) =>
        this.budget.spend(sizeOf(list)) ? list : [],
      )
      .registerFunction("map.spendList(): map", (map: object) =>
        this.budget.spend(map instanceof Map ? map.size : Object.keys(map).length) ? map : {},
      );
  }

  /** Reads an expression and checks that all its functions and variables are known. */
  compile(text: string): CelProgram | CelProblem {
    try {
      const parsed = this.#environment.parse(text);
      const names = new Set<string>();
      visit(parsed.ast, (node) => {
        if (node.op === "id") names.add(node.args);
      });
      const checked = parsed.check();
      if (!checked.valid) return { kind: "unknown", reason: celReason(checked.error) };
      const program = this.#environment.parse(withBudget(parsed.ast, text));
      const ready = program.check();
      if (!ready.valid) return { kind: "unknown", reason: celReason(ready.error) };
      return {
        kind: "program",
        variables: names,
        evaluate: (variables) => {
          this.budget.nextExpression();
          const result: unknown = program(variables);
          this.budget.check();
          return result;
        },
      };
    } catch (error) {
      return { kind: error instanceof ParseError ? "syntax" : "unknown", reason: celReason(error) };
    }
  }
}

/** What the library says of a failure, without the excerpt that it draws. */
export function celReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? "").slice(0, REASON_LENGTH);
}
