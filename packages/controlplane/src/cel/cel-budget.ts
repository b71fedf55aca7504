import { EvaluationError } from "@marcbachmann/cel-js";

/** Most steps of one expression: each element that a comprehension looks at is one. */
const EXPRESSION_STEPS = 200_000;
/** Most steps of all expressions about one object. */
const OBJECT_STEPS = 500_000;

/**
 * What expressions about one object may cost. Kubernetes has such a budget too (in other units), so that nested
 * comprehensions over long lists cannot hold up the API server.
 */
export class CelBudget {
  #ofExpression = 0;
  #ofObject = 0;

  /** Begins with another object. */
  restart(): void {
    this.#ofObject = 0;
  }

  /** Begins with another expression about the same object. */
  nextExpression(): void {
    this.#ofExpression = 0;
  }

  /** Returns whether there was enough left. Nothing is thrown: comprehensions go on after errors. */
  spend(steps: number): boolean {
    this.#ofExpression += steps;
    this.#ofObject += steps;
    return this.#ofExpression <= EXPRESSION_STEPS && this.#ofObject <= OBJECT_STEPS;
  }

  /** @throws EvaluationError when the expression took more than there was */
  check(): void {
    if (this.#ofExpression > EXPRESSION_STEPS)
      throw new EvaluationError("no further validation rules will be run due to call cost exceeds limit for rule");
    if (this.#ofObject > OBJECT_STEPS)
      throw new EvaluationError(
        "validation failed due to running out of cost budget, no further validation rules will be run",
      );
  }
}
