import type { JsonObject, JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { textsIn } from "../registry/api-object.ts";
import type { AccessAttributes } from "./attributes.ts";

/** A rule of a Role or ClusterRole, as it is stored. */
export type PolicyRule = JsonObject;

/** Whether one rule allows it, whoever asks. */
export function ruleAllows(rule: PolicyRule, { verb, resource, path }: Omit<AccessAttributes, "user">): boolean {
  if (!contains(rule["verbs"], verb)) return false;
  if (!resource) return textsIn(rule["nonResourceURLs"]).some((pattern) => matchesPath(pattern, path ?? ""));
  if (!contains(rule["apiGroups"], resource.group)) return false;
  const named = resource.subresource === "" ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const resources = textsIn(rule["resources"]);
  if (!resources.some((item) => item === "*" || item === named || item === `*/${resource.subresource}`)) return false;
  const names = textsIn(rule["resourceNames"]);
  return names.length === 0 || (resource.name !== "" && names.includes(resource.name));
}

const MEMBERS = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"] as const;

/** Whether two rules say the same in the same order. */
export function isSameRule(left: PolicyRule, right: PolicyRule): boolean {
  return MEMBERS.every((member) => jsonEqual(left[member] ?? [], right[member] ?? []));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

function contains(value: JsonValue | undefined, wanted: string): boolean {
  const list = textsIn(value);
  return list.includes("*") || list.includes(wanted);
}
