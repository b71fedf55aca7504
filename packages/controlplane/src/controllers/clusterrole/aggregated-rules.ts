import type { KubernetesObject } from "@skerry/api";
import { isApiError, jsonEqual, labelSelectorPredicate } from "@skerry/kube";
import { isSameRule, type PolicyRule } from "../../authorization/policy-rule.ts";

type LabelSelector = Parameters<typeof labelSelectorPredicate>[0];

/** rbac.authorization.k8s.io/v1 ClusterRole. */
export interface ClusterRole extends KubernetesObject {
  readonly rules?: PolicyRule[] | null;
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
}

/** The rules that the role should have by its selectors, each once; undefined when it has them. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] | undefined {
  const { aggregationRule } = role;
  if (!aggregationRule) return undefined;
  const byName = [...all].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of aggregationRule.clusterRoleSelectors ?? []) {
    const matches = predicateOf(selector);
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !matches(other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => isSameRule(known, rule))) rules.push(rule);
    }
  }
  return jsonEqual(rules, role.rules ?? []) ? undefined : rules;
}

/** A selector that cannot be understood selects nothing. */
function predicateOf(selector: LabelSelector): ReturnType<typeof labelSelectorPredicate> {
  try {
    return labelSelectorPredicate(selector);
  } catch (error) {
    if (isApiError(error)) return () => false;
    throw error;
  }
}
