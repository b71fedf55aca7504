import { isJsonObject, type JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { asJsonObject, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { ObjectStore } from "../registry/object-store.ts";
import type { UserInfo } from "../registry/request-context.ts";
import type { StoreView } from "../registry/store-session.ts";
import type { AccessAttributes } from "./attributes.ts";
import { isNodesOwn } from "./node-rights.ts";

const RBAC = "rbac.authorization.k8s.io";
/** May do everything, whatever the stored rules say: the way back in after a mistake. */
const SUPERUSERS = "system:masters";

/** Decides by the stored RBAC objects, and lets nodes read what is their own; everything else is refused. */
export class RbacAuthorizer {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  allows(attributes: AccessAttributes): boolean {
    if (attributes.user.groups.includes(SUPERUSERS)) return true;
    const namespace = attributes.resource?.namespace ?? "";
    return this.#store.read(
      (view) =>
        rulesFor(view, attributes.user, namespace).some((rule) => ruleAllows(rule, attributes)) ||
        isNodesOwn(view, attributes),
    );
  }

  /** All rules that hold for a user in a namespace (empty: only cluster-wide ones). */
  rulesFor(user: UserInfo, namespace: string): JsonObject[] {
    return this.#store.read((view) => rulesFor(view, user, namespace));
  }
}

/** All rules that hold for a user in a namespace (empty: only cluster-wide ones). */
export function rulesFor(view: StoreView, user: UserInfo, namespace: string): JsonObject[] {
  const all: JsonObject[] = user.groups.includes(SUPERUSERS)
    ? [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ]
    : [];
  const bindings = view.list(`${RBAC}/clusterrolebindings`).map((binding) => ({ binding, scope: "" }));
  if (namespace !== "")
    for (const binding of view.list(`${RBAC}/rolebindings`, namespace)) bindings.push({ binding, scope: namespace });
  const bound = bindings.flatMap(({ binding, scope }) => {
    const json = asJsonObject(binding);
    return objectsIn(json["subjects"]).some((subject) => isSubject(subject, user, scope))
      ? rulesOfRole(view, objectAt(json, "roleRef"), scope)
      : [];
  });
  return [...all, ...bound.filter((rule) => !all.some((other) => isSameRule(other, rule)))];
}

function isSameRule(left: JsonObject, right: JsonObject): boolean {
  return ["verbs", "apiGroups", "resources", "nonResourceURLs"].every((member) =>
    jsonEqual(left[member], right[member]),
  );
}

function isSubject(subject: JsonObject, user: UserInfo, namespace: string): boolean {
  const name = textAt(subject, "name");
  switch (subject["kind"]) {
    case "User":
      return name === user.username;
    case "Group":
      return user.groups.includes(name);
    case "ServiceAccount":
      return user.username === `system:serviceaccount:${textAt(subject, "namespace") || namespace}:${name}`;
    default:
      return false;
  }
}

/** The rules of the role that a binding in the namespace refers to; none when there is no such role. */
export function rulesOfRole(view: StoreView, reference: JsonObject, namespace: string): JsonObject[] {
  const name = textAt(reference, "name");
  const role =
    reference["kind"] === "ClusterRole"
      ? view.get({ resource: `${RBAC}/clusterroles`, namespace: "", name })
      : view.get({ resource: `${RBAC}/roles`, namespace, name });
  return role ? objectsIn(asJsonObject(role)["rules"]) : [];
}

/** Whether one rule allows it, whoever asks. */
export function ruleAllows(rule: JsonObject, { verb, resource, path }: Omit<AccessAttributes, "user">): boolean {
  if (!contains(rule["verbs"], verb)) return false;
  if (!resource) return listOf(rule["nonResourceURLs"]).some((pattern) => matchesPath(pattern, path ?? ""));
  if (!contains(rule["apiGroups"], resource.group)) return false;
  const named = resource.subresource === "" ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const resources = listOf(rule["resources"]);
  if (!resources.some((item) => item === "*" || item === named || item === `*/${resource.subresource}`)) return false;
  const names = listOf(rule["resourceNames"]);
  return names.length === 0 || (resource.name !== "" && names.includes(resource.name));
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

function contains(value: unknown, wanted: string): boolean {
  const list = listOf(value);
  return list.includes("*") || list.includes(wanted);
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) && !isJsonObject(value) ? value.filter((item) => typeof item === "string") : [];
}
