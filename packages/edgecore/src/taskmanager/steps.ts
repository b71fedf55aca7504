import type { JsonObject } from "@skerry/base";

/** What came of a step. */
export type StepOutcome =
  | { readonly kind: "done"; readonly extend?: string; readonly reason?: string }
  | { readonly kind: "failed"; readonly reason: string; readonly extend?: string }
  /** EdgeCore ends for it; the same step is called again after the start. */
  | { readonly kind: "restarting" };

/** What a step works on. */
export interface StepContext {
  /** The job's own id. */
  readonly id: string;
  readonly spec: JsonObject;
  /** EdgeCore stops; the step is called again after the start. */
  readonly signal: AbortSignal;
}

/** One step of a kind of job; called again from the beginning when EdgeCore stopped meanwhile. */
export type Step = (context: StepContext) => Promise<StepOutcome>;

/** The steps of a kind of job, by their names in its flow. */
export type Steps = Readonly<Record<string, Step>>;
