/** What a rule has found wrong. */
export interface Finding {
  /** Stable; in docs/why.md. */
  readonly code: string;
  /** What is the case, in plain words. */
  readonly found: string;
  /** What to do. */
  readonly advice: string;
  /** Whether it may well pass by itself: something is on its way. */
  readonly waits?: boolean;
}

/** One rule: undefined where it finds nothing wrong. */
export type Rule<Facts> = (facts: Facts) => Finding | undefined;

/** One link of the chain from what was asked to what is. */
export interface Link<Facts> {
  readonly title: string;
  /** What is the case when no rule finds anything. */
  readonly whole: (facts: Facts) => string;
  /** The first that finds something wrong counts. */
  readonly rules: readonly Rule<Facts>[];
}

/** A link as it was found. */
export type Step =
  | { readonly title: string; readonly state: "whole"; readonly found: string }
  | ({ readonly title: string; readonly state: "broken" | "waiting" } & Omit<Finding, "waits">)
  | { readonly title: string; readonly state: "not-reached" };

/** A whole chain, up to its first broken link. */
export interface Explanation {
  readonly subject: string;
  readonly state: "whole" | "broken" | "waiting";
  readonly steps: readonly Step[];
}

/** Goes through the links in their order; after the first that is broken nothing is looked at. */
export function explain<Facts>(subject: string, links: readonly Link<Facts>[], facts: Facts): Explanation {
  const steps: Step[] = [];
  let state: Explanation["state"] = "whole";
  for (const { title, whole, rules } of links) {
    if (state !== "whole") {
      steps.push({ title, state: "not-reached" });
      continue;
    }
    const finding = firstFinding(rules, facts);
    if (!finding) {
      steps.push({ title, state: "whole", found: whole(facts) });
      continue;
    }
    const { code, found, advice, waits } = finding;
    state = waits ? "waiting" : "broken";
    steps.push({ title, state, code, found, advice });
  }
  return { subject, state, steps };
}

/** What the first rule that finds anything has found. */
export function firstFinding<Facts>(rules: readonly Rule<Facts>[], facts: Facts): Finding | undefined {
  for (const rule of rules) {
    const finding = rule(facts);
    if (finding) return finding;
  }
  return undefined;
}
