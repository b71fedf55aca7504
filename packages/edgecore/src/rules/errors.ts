import { SkerryError } from "@skerry/base";
import type { RuleSourceKind } from "./rule-sources.ts";

/** The cloud's rules name more of this node than it keeps. */
export function tooManyRuleSources(kind: RuleSourceKind, limit: number): SkerryError {
  return new SkerryError({
    code: "RULES_TOO_MANY_SOURCES",
    message: `The cloud's rules take more than ${limit} ${kind}s from this node`,
    advice: "Use topics with wildcards, or fewer Rules for this node.",
    details: { kind, limit },
  });
}
