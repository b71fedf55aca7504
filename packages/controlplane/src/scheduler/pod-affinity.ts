import type { LabelSelector, Node, Pod } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { labelSelectorPredicate } from "@skerry/kube";

/** A pod that is on a node, or about to be. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly node: Node;
}

/** Why a node is not allowed by required pod affinity; undefined when it is. */
export function podAffinityViolation(pod: Pod, node: Node, placed: readonly PlacedPod[]): string | undefined {
  for (const term of requiredTerms(pod, "podAffinity")) {
    const matching = placed.filter((other) => selects(term, pod, other.pod));
    // The first of a group that asks to be together may go anywhere.
    const isFirst = matching.length === 0 && selects(term, pod, pod);
    if (!isFirst && !matching.some((other) => sameDomain(term, node, other.node)))
      return "node(s) didn't match pod affinity rules";
  }
  for (const term of requiredTerms(pod, "podAntiAffinity")) {
    if (placed.some((other) => selects(term, pod, other.pod) && sameDomain(term, node, other.node)))
      return "node(s) didn't match pod anti-affinity rules";
  }
  for (const other of placed) {
    for (const term of requiredTerms(other.pod, "podAntiAffinity")) {
      if (selects(term, other.pod, pod) && sameDomain(term, node, other.node))
        return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
  }
  return undefined;
}

function requiredTerms(pod: Pod, member: "podAffinity" | "podAntiAffinity"): JsonObject[] {
  const affinity = pod.spec.affinity?.[member];
  const terms = isJsonObject(affinity) ? affinity["requiredDuringSchedulingIgnoredDuringExecution"] : undefined;
  return Array.isArray(terms) ? terms.filter(isJsonObject) : [];
}

/** Whether the term of pod `owner` speaks of `other`. A namespaceSelector counts as all namespaces. */
function selects(term: JsonObject, owner: Pod, other: Pod): boolean {
  const { namespaces } = term;
  const listed = Array.isArray(namespaces) && namespaces.length > 0 ? namespaces : [owner.metadata.namespace ?? ""];
  const inNamespace = isJsonObject(term["namespaceSelector"]) || listed.includes(other.metadata.namespace ?? "");
  return (
    inNamespace && labelSelectorPredicate(term["labelSelector"] as LabelSelector | undefined)(other.metadata.labels)
  );
}

function sameDomain(term: JsonObject, left: Node, right: Node): boolean {
  const key = String(term["topologyKey"] ?? "");
  const value = left.metadata.labels?.[key];
  return value !== undefined && value === right.metadata.labels?.[key];
}
