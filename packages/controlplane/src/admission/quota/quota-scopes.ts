import type { JsonObject } from "@skerry/base";
import { type ApiObject, asJsonObject, numberAt, objectAt, objectsIn, textAt } from "../../registry/api-object.ts";
import { qosClass } from "../../registry/kinds/pod-qos.ts";

/** Whether a quota speaks of the object: all its scopes must hold. Without scopes it speaks of everything. */
export function matchesScopes(quota: ApiObject, storageKey: string, object: ApiObject): boolean {
  const spec = objectAt(asJsonObject(quota), "spec");
  const scopes = Array.isArray(spec["scopes"]) ? spec["scopes"].map(String) : [];
  const selected: JsonObject[] = [
    ...scopes.map((scopeName) => ({ scopeName, operator: "Exists" })),
    ...objectsIn(objectAt(spec, "scopeSelector")["matchExpressions"]),
  ];
  // All the scopes that there are speak of pods.
  if (selected.length > 0 && storageKey !== "/pods") return false;
  const pod = objectAt(asJsonObject(object), "spec");
  return selected.every((requirement) => matchesScope(requirement, pod));
}

function matchesScope(requirement: JsonObject, pod: JsonObject): boolean {
  switch (textAt(requirement, "scopeName")) {
    case "BestEffort":
      return qosClass(pod) === "BestEffort";
    case "NotBestEffort":
      return qosClass(pod) !== "BestEffort";
    case "Terminating":
      return numberAt(pod, "activeDeadlineSeconds") !== undefined;
    case "NotTerminating":
      return numberAt(pod, "activeDeadlineSeconds") === undefined;
    case "PriorityClass":
      return matchesPriorityClass(requirement, textAt(pod, "priorityClassName"));
    case "CrossNamespacePodAffinity":
      return looksIntoNamespaces(objectAt(pod, "affinity"));
    default:
      return false;
  }
}

function matchesPriorityClass(requirement: JsonObject, className: string): boolean {
  const values = Array.isArray(requirement["values"]) ? requirement["values"] : [];
  switch (textAt(requirement, "operator")) {
    case "In":
      return values.includes(className);
    case "NotIn":
      return !values.includes(className);
    case "DoesNotExist":
      return className === "";
    default:
      return className !== "";
  }
}

/** Whether a pod's affinity looks at pods of namespaces that it names. */
function looksIntoNamespaces(affinity: JsonObject): boolean {
  const terms = ["podAffinity", "podAntiAffinity"].flatMap((member) => {
    const rules = objectAt(affinity, member);
    return [
      ...objectsIn(rules["requiredDuringSchedulingIgnoredDuringExecution"]),
      ...objectsIn(rules["preferredDuringSchedulingIgnoredDuringExecution"]).map((each) =>
        objectAt(each, "podAffinityTerm"),
      ),
    ];
  });
  return terms.some(
    ({ namespaces, namespaceSelector }) =>
      namespaceSelector !== undefined || (Array.isArray(namespaces) && namespaces.length > 0),
  );
}
