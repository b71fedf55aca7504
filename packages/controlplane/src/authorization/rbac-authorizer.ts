import type { JsonObject } from "@skerry/base";
import { asJsonObject, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { ObjectStore } from "../registry/object-store.ts";
import type { UserInfo } from "../registry/request-context.ts";
import type { StoreView } from "../registry/store-session.ts";
import type { AccessAttributes } from "./attributes.ts";
import { isNodesOwn } from "./node-rights.ts";
import { isSameRule, type PolicyRule, ruleAllows } from "./policy-rule.ts";

const RBAC = "rbac.authorization.k8s.io";
/** May do everything, whatever the stored rules say: the way back in after a mistake. */
export const SUPERUSERS = "system:masters";

/** All that can be allowed. */
export const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Decides by the stored RBAC objects, and lets nodes do what is their own; everything else is refused. */
export class RbacAuthorizer {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  allows(attributes: AccessAttributes): boolean {
    return this.#store.read((view) => isAllowed(view, attributes));
  }

  /** All rules that hold for a user in a namespace (empty: only cluster-wide ones). */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[] {
    return this.#store.read((view) => rulesFor(view, user, namespace));
  }
}

/** Whether somebody may do something as things stand in the store. */
export function isAllowed(view: StoreView, attributes: AccessAttributes): boolean {
  if (attributes.user.groups.includes(SUPERUSERS)) return true;
  const namespace = attributes.resource?.namespace ?? "";
  return (
    isNodesOwn(view, attributes) ||
    rulesFor(view, attributes.user, namespace).some((rule) => ruleAllows(rule, attributes))
  );
}

/** All rules that hold for a user in a namespace (empty: only cluster-wide ones). */
export function rulesFor(view: StoreView, user: UserInfo, namespace: string): PolicyRule[] {
  const all = user.groups.includes(SUPERUSERS) ? EVERYTHING : [];
  const bindings = view.list(`${RBAC}/clusterrolebindings`).map((binding) => ({ binding, scope: "" }));
  if (namespace !== "")
    for (const binding of view.list(`${RBAC}/rolebindings`, namespace)) bindings.push({ binding, scope: namespace });
  const bound = bindings.flatMap(({ binding, scope }) => {
    const json = asJsonObject(binding);
    return objectsIn(json["subjects"]).some((subject) => isSubject(subject, user, scope))
      ? (rulesOfRole(view, objectAt(json, "roleRef"), scope) ?? [])
      : [];
  });
  return [...all, ...bound.filter((rule) => !all.some((other) => isSameRule(other, rule)))];
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

/** The rules of the role that a binding in the namespace refers to; undefined when there is no such role. */
export function rulesOfRole(view: StoreView, reference: JsonObject, namespace: string): PolicyRule[] | undefined {
  const name = textAt(reference, "name");
  const role =
    reference["kind"] === "ClusterRole"
      ? view.get({ resource: `${RBAC}/clusterroles`, namespace: "", name })
      : view.get({ resource: `${RBAC}/roles`, namespace, name });
  return role && objectsIn(asJsonObject(role)["rules"]);
}
