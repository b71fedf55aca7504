import type { JsonObject } from "@skerry/base";
import { ApiError, failureStatus } from "@skerry/kube";
import { objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import type { WriteScope } from "../registry/resource-definition.ts";
import type { AccessAttributes } from "./attributes.ts";
import { ruleAllows, rulesFor, rulesOfRole } from "./rbac-authorizer.ts";

const RBAC = "rbac.authorization.k8s.io";
/** Single permissions of one role that are looked at; no honest role has as many. */
const MOST_PERMISSIONS = 10_000;

/**
 * Nobody gives away what they do not have: who writes a role must hold each permission in it, or the verb `escalate`.
 * @throws ApiError Forbidden
 */
export function checkRole(role: JsonObject, { session, context }: WriteScope): void {
  const namespace = textAt(objectAt(role, "metadata"), "namespace");
  const resource = textAt(role, "kind") === "ClusterRole" ? "clusterroles" : "roles";
  const own = rulesFor(session, context.user, namespace);
  const name = textAt(objectAt(role, "metadata"), "name");
  if (own.some((rule) => ruleAllows(rule, onRole("escalate", resource, namespace, name)))) return;
  requireAll(own, objectsIn(role["rules"]), context.user.username, `${resource}.${RBAC} "${name}"`);
}

/**
 * As {@link checkRole} for who binds a role to somebody; the verb `bind` on the role does too.
 * @throws ApiError Forbidden
 */
export function checkRoleBinding(binding: JsonObject, { session, context }: WriteScope): void {
  const namespace = textAt(objectAt(binding, "metadata"), "namespace");
  const reference = objectAt(binding, "roleRef");
  const resource = reference["kind"] === "ClusterRole" ? "clusterroles" : "roles";
  const roleName = textAt(reference, "name");
  const own = rulesFor(session, context.user, namespace);
  const roleNamespace = resource === "roles" ? namespace : "";
  if (own.some((rule) => ruleAllows(rule, onRole("bind", resource, roleNamespace, roleName)))) return;
  const what = `${textAt(binding, "kind").toLowerCase()}s.${RBAC} "${textAt(objectAt(binding, "metadata"), "name")}"`;
  requireAll(own, rulesOfRole(session, reference, namespace), context.user.username, what);
}

function onRole(verb: string, resource: string, namespace: string, name: string): Omit<AccessAttributes, "user"> {
  return { verb, resource: { group: RBAC, resource, subresource: "", namespace, name } };
}

function requireAll(own: readonly JsonObject[], wanted: readonly JsonObject[], username: string, what: string): void {
  let count = 0;
  for (const rule of wanted)
    for (const permission of permissionsOf(rule)) {
      if (++count <= MOST_PERMISSIONS && own.some((candidate) => ruleAllows(candidate, permission))) continue;
      const text = `${what} is forbidden: user "${username}" is attempting to grant RBAC permissions not currently held`;
      throw new ApiError(failureStatus(403, "Forbidden", text));
    }
}

/** Each single thing that a rule allows; `*` stands for itself, which only `*` covers. */
function* permissionsOf(rule: JsonObject): Generator<Omit<AccessAttributes, "user">> {
  const texts = (member: string): string[] => {
    const value = rule[member];
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  };
  for (const verb of texts("verbs")) {
    for (const path of texts("nonResourceURLs")) yield { verb, path };
    const names = texts("resourceNames");
    for (const group of texts("apiGroups"))
      for (const item of texts("resources"))
        for (const name of names.length === 0 ? [""] : names) {
          const [resource = "", subresource = ""] = item.split("/");
          yield { verb, resource: { group, resource, subresource, namespace: "", name } };
        }
  }
}
