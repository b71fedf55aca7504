import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { objectAt, objectsIn, textAt, textsIn } from "../registry/api-object.ts";
import type { UserInfo } from "../registry/request-context.ts";
import type { WriteScope } from "../registry/resource-definition.ts";
import { forbidden, notFound } from "../registry/status-errors.ts";
import type { AccessAttributes } from "./attributes.ts";
import { RBAC_GROUP } from "./bootstrap-objects.ts";
import { type PolicyRule, ruleAllows } from "./policy-rule.ts";
import { EVERYTHING, rulesFor, rulesOfRole } from "./rbac-authorizer.ts";

/** Single permissions of one role that are looked at; no honest role has as many. */
const MOST_PERMISSIONS = 10_000;
/** Missing permissions that an answer names. */
const MOST_NAMED = 50;

type Permission = Omit<AccessAttributes, "user">;

/** What the garbage collector changes in anybody's name, and the server itself. */
const GARBAGE_COLLECTION: ReadonlySet<string> = new Set([
  ...["ownerReferences", "finalizers", "managedFields", "resourceVersion"],
]);

/**
 * Nobody gives away what they do not have: who writes a role must hold each permission in it, or the verb `escalate`; who
 * writes one that is put together from others, everything. Labels count: by one a role's rules become those of another.
 * @param previous left out for a new role
 * @throws ApiError Forbidden
 */
export function checkRole(role: JsonObject, { session, context }: WriteScope, previous?: JsonObject): void {
  const resource = textAt(role, "kind") === "ClusterRole" ? "clusterroles" : "roles";
  const aggregations = [role["aggregationRule"], previous?.["aggregationRule"]];
  if (previous !== undefined && jsonEqual(meantBy(role), meantBy(previous))) return;
  const metadata = objectAt(role, "metadata");
  const [namespace, name] = [textAt(metadata, "namespace"), textAt(metadata, "name")];
  const own = rulesFor(session, context.user, namespace);
  if (own.some((rule) => ruleAllows(rule, onRole("escalate", resource, namespace, name)))) return;
  const reference = referenceOf(resource, textAt(role, "kind"));
  if (aggregations.some((rule) => rule !== undefined && rule !== null) && missingOf(own, EVERYTHING).length > 0)
    throw forbidden(reference, name, "must have cluster-admin privileges to use the aggregationRule");
  const missing = missingOf(own, objectsIn(role["rules"]));
  if (missing.length > 0) throw forbidden(reference, name, refusalOf(context.user, missing));
}

/**
 * As {@link checkRole} for who binds a role to somebody; the verb `bind` on the role does too, and lets them bind one that
 * is yet to be made. Who has less does not know what that would give away.
 * @throws ApiError Forbidden, NotFound
 */
export function checkRoleBinding(binding: JsonObject, { session, context }: WriteScope): void {
  const metadata = objectAt(binding, "metadata");
  const namespace = textAt(metadata, "namespace");
  const roleRef = objectAt(binding, "roleRef");
  const resource = roleRef["kind"] === "ClusterRole" ? "clusterroles" : "roles";
  const own = rulesFor(session, context.user, namespace);
  const role = onRole("bind", resource, resource === "roles" ? namespace : "", textAt(roleRef, "name"));
  if (own.some((rule) => ruleAllows(rule, role))) return;
  const rules = rulesOfRole(session, roleRef, namespace);
  if (!rules) throw notFound(referenceOf(resource, textAt(roleRef, "kind")), textAt(roleRef, "name"));
  const missing = missingOf(own, rules);
  if (missing.length === 0) return;
  const kind = textAt(binding, "kind");
  throw forbidden(
    referenceOf(`${kind.toLowerCase()}s`, kind),
    textAt(metadata, "name"),
    refusalOf(context.user, missing),
  );
}

/** A role or binding without what only garbage collection is about. */
function meantBy(object: JsonObject): JsonObject {
  const metadata = Object.entries(objectAt(object, "metadata")).filter(([member]) => !GARBAGE_COLLECTION.has(member));
  return { ...object, metadata: Object.fromEntries(metadata) };
}

function referenceOf(resource: string, kind: string): Parameters<typeof forbidden>[0] {
  return { group: RBAC_GROUP, version: "v1", resource, kind, namespaced: !kind.startsWith("Cluster") };
}

function onRole(verb: string, resource: string, namespace: string, name: string): Permission {
  return { verb, resource: { group: RBAC_GROUP, resource, subresource: "", namespace, name } };
}

/** The permissions among the wanted ones that are not held; what is beyond the limit counts as missing. */
function missingOf(own: readonly PolicyRule[], wanted: readonly PolicyRule[]): Permission[] {
  const missing: Permission[] = [];
  let count = 0;
  for (const rule of wanted)
    for (const permission of permissionsOf(rule)) {
      if (++count <= MOST_PERMISSIONS && own.some((candidate) => ruleAllows(candidate, permission))) continue;
      missing.push(permission);
      if (missing.length >= MOST_PERMISSIONS) return missing;
    }
  return missing;
}

/** Each single thing that a rule allows; `*` stands for itself, which only `*` covers. */
function* permissionsOf(rule: PolicyRule): Generator<Permission> {
  const names = textsIn(rule["resourceNames"]);
  for (const verb of textsIn(rule["verbs"])) {
    for (const path of textsIn(rule["nonResourceURLs"])) yield { verb, path };
    for (const group of textsIn(rule["apiGroups"]))
      for (const item of textsIn(rule["resources"]))
        for (const name of names.length === 0 ? [""] : names) {
          const [resource = "", subresource = ""] = item.split("/");
          yield { verb, resource: { group, resource, subresource, namespace: "", name } };
        }
  }
}

/** Names what is missing as Kubernetes does: a line for each thing, with all verbs. */
function refusalOf({ username, groups }: UserInfo, missing: readonly Permission[]): string {
  const verbs = new Map<string, string[]>();
  for (const { verb, resource, path = "" } of missing) {
    const thing = resource
      ? `APIGroups:${quoted([resource.group])}, Resources:${quoted([fullName(resource)])}${resource.name === "" ? "" : `, ResourceNames:${quoted([resource.name])}`}`
      : `NonResourceURLs:${quoted([path])}`;
    verbs.set(thing, [...(verbs.get(thing) ?? []), verb]);
  }
  const lines = [...verbs].map(([thing, list]) => `{${thing}, Verbs:${quoted(list)}}`).sort();
  const more = lines.length > MOST_NAMED ? [`and ${lines.length - MOST_NAMED} more`] : [];
  const who = `user ${JSON.stringify(username)} (groups=${quoted(groups)})`;
  const named = [...lines.slice(0, MOST_NAMED), ...more].join("\n");
  return `${who} is attempting to grant RBAC permissions not currently held:\n${named}`;
}

function fullName({ resource, subresource }: NonNullable<Permission["resource"]>): string {
  return subresource === "" ? resource : `${resource}/${subresource}`;
}

/** As Go prints a list of quoted texts. */
function quoted(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
}
