import type { LabelSelector, Node, Pod } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { labelSelectorPredicate } from "@skerry/kube";

/** A pod that is on a node, or about to be. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly node: Node;
}

/** The pods that affinity looks at. */
export interface Neighbours {
  readonly placed: readonly PlacedPod[];
  /** Those of them with required anti-affinity. */
  readonly keepingApart: readonly PlacedPod[];
}

/** Why a node is not allowed by required pod affinity; undefined when it is. */
export function podAffinityViolation(pod: Pod, node: Node, neighbours: Neighbours): string | undefined {
  for (const term of requiredTerms(pod, "podAffinity")) {
    const matching = neighbours.placed.filter((other) => selects(term, pod, other.pod));
    // The first of a group that asks to be together may go anywhere.
    const isFirst = matching.length === 0 && selects(term, pod, pod);
    if (!isFirst && !matching.some((other) => sameDomain(term, node, other.node)))
      return "node(s) didn't match pod affinity rules";
  }
  for (const term of requiredAntiAffinity(pod)) {
    if (neighbours.placed.some((other) => selects(term, pod, other.pod) && sameDomain(term, node, other.node)))
      return "node(s) didn't match pod anti-affinity rules";
  }
  for (const other of neighbours.keepingApart) {
    for (const term of requiredAntiAffinity(other.pod)) {
      if (selects(term, other.pod, pod) && sameDomain(term, node, other.node))
        return "node(s) didn't satisfy existing pods anti-affinity rules";
    }
  }
  return undefined;
}

/** The terms by which a pod refuses to be near others. */
export function requiredAntiAffinity(pod: Pod): JsonObject[] {
  return requiredTerms(pod, "podAntiAffinity");
}

/** How well the node meets the pod's wishes to be near others or away from them: the sum of the weights. */
export function preferredPodAffinity(pod: Pod, node: Node, neighbours: Neighbours): number {
  const weightOf = (member: "podAffinity" | "podAntiAffinity"): number =>
    preferredTerms(pod, member).reduce((sum, { weight, term }) => {
      const isThere = neighbours.placed.some(
        (other) => selects(term, pod, other.pod) && sameDomain(term, node, other.node),
      );
      return isThere ? sum + weight : sum;
    }, 0);
  return weightOf("podAffinity") - weightOf("podAntiAffinity");
}

function preferredTerms(
  pod: Pod,
  member: "podAffinity" | "podAntiAffinity",
): { readonly weight: number; readonly term: JsonObject }[] {
  const affinity = pod.spec.affinity?.[member];
  const list = isJsonObject(affinity) ? affinity["preferredDuringSchedulingIgnoredDuringExecution"] : undefined;
  return (Array.isArray(list) ? list.filter(isJsonObject) : []).flatMap(({ weight, podAffinityTerm }) =>
    isJsonObject(podAffinityTerm) ? [{ weight: Number(weight ?? 0), term: podAffinityTerm }] : [],
  );
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
