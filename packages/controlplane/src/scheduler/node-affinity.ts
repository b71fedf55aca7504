import type { Node, Pod } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { fieldText } from "@skerry/kube";

/** Whether the node meets the pod's nodeSelector and required node affinity. */
export function matchesNodeAffinity(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (Object.entries(pod.spec.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  const required = nodeAffinity(pod)["requiredDuringSchedulingIgnoredDuringExecution"];
  return !isJsonObject(required) || matchesNodeTerms(required, node);
}

/** Whether the node meets one of a NodeSelector's terms. */
export function matchesNodeTerms(selector: JsonObject, node: Node): boolean {
  return objects(selector["nodeSelectorTerms"]).some((term) => matchesTerm(term, node));
}

/** Sum of the weights of the preferred node affinity terms that the node meets. */
export function preferredAffinityWeight(pod: Pod, node: Node): number {
  return objects(nodeAffinity(pod)["preferredDuringSchedulingIgnoredDuringExecution"]).reduce((sum, preference) => {
    const term = preference["preference"];
    return isJsonObject(term) && matchesTerm(term, node) ? sum + Number(preference["weight"] ?? 0) : sum;
  }, 0);
}

function nodeAffinity(pod: Pod): JsonObject {
  const affinity = pod.spec.affinity?.["nodeAffinity"];
  return isJsonObject(affinity) ? affinity : {};
}

/** A term without any expression matches nothing, as in Kubernetes. */
function matchesTerm(term: JsonObject, node: Node): boolean {
  const expressions = objects(term["matchExpressions"]);
  const fields = objects(term["matchFields"]);
  if (expressions.length + fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((each) => meets(each, labels[String(each["key"] ?? "")])) &&
    fields.every((each) => meets(each, fieldText(node, String(each["key"] ?? ""))))
  );
}

function meets(expression: JsonObject, value: string | undefined): boolean {
  const { values } = expression;
  const wanted = Array.isArray(values) ? values : [];
  switch (expression["operator"]) {
    case "In":
      return value !== undefined && wanted.includes(value);
    case "NotIn":
      return value === undefined || !wanted.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(wanted[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(wanted[0]);
    default:
      return false;
  }
}

function objects(list: JsonValue | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
