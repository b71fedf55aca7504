import { isJsonObject, type JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, notSupported, required } from "../field-error.ts";
import { validateLabelSelector } from "./label-selector-validation.ts";
import { nameErrors, pathSegmentRule, subdomainRule } from "./name-rules.ts";

/** The group of roles and their bindings. */
export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** Rules of a Role or ClusterRole. */
export function validateRole(role: JsonObject): FieldError[] {
  const errors = objectsIn(role["rules"]).flatMap((rule, index) =>
    validateRule(rule, `rules[${index}]`, role["kind"] === "Role"),
  );
  const aggregation = role["aggregationRule"];
  if (!isJsonObject(aggregation)) return errors;
  const selectors = objectsIn(aggregation["clusterRoleSelectors"]);
  const at = "aggregationRule.clusterRoleSelectors";
  if (selectors.length === 0)
    errors.push(required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  return [...errors, ...selectors.flatMap((selector, index) => validateLabelSelector(selector, `${at}[${index}]`))];
}

/** Rules of a RoleBinding or ClusterRoleBinding. */
export function validateRoleBinding(binding: JsonObject): FieldError[] {
  const isNamespaced = binding["kind"] === "RoleBinding";
  const roleRef = objectAt(binding, "roleRef");
  const [apiGroup, kind, name] = ["apiGroup", "kind", "name"].map((member) => textAt(roleRef, member));
  const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  return [
    ...(apiGroup === RBAC_GROUP ? [] : [notSupported("roleRef.apiGroup", apiGroup, [RBAC_GROUP])]),
    // What is missing is told by the type table.
    ...(kind === undefined || kind === "" || kinds.includes(kind) ? [] : [notSupported("roleRef.kind", kind, kinds)]),
    ...nameErrors(pathSegmentRule, "roleRef.name", name ?? ""),
    ...objectsIn(binding["subjects"]).flatMap((subject, index) =>
      validateSubject(subject, `subjects[${index}]`, isNamespaced),
    ),
  ];
}

function validateRule(rule: JsonObject, path: string, isNamespaced: boolean): FieldError[] {
  const isGiven = (member: string): boolean => Array.isArray(rule[member]) && rule[member].length > 0;
  const errors: FieldError[] = [];
  if (!isGiven("verbs")) errors.push(required(`${path}.verbs`, "verbs must contain at least one value"));
  if (isGiven("nonResourceURLs")) {
    const [at, urls] = [`${path}.nonResourceURLs`, rule["nonResourceURLs"]];
    if (isNamespaced) errors.push(invalidValue(at, urls, "namespaced rules cannot apply to non-resource URLs"));
    if (["apiGroups", "resources", "resourceNames"].some(isGiven))
      errors.push(invalidValue(at, urls, "rules cannot apply to both regular resources and non-resource URLs"));
    return errors;
  }
  if (!isGiven("apiGroups"))
    errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  if (!isGiven("resources"))
    errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
  return errors;
}

function validateSubject(subject: JsonObject, path: string, isNamespaced: boolean): FieldError[] {
  const [kind, group, name] = ["kind", "apiGroup", "name"].map((member) => textAt(subject, member));
  switch (kind) {
    case "":
      return [];
    case "ServiceAccount":
      return [
        ...(name === undefined || name === "" ? [] : nameErrors(subdomainRule, `${path}.name`, name)),
        ...(group === "" ? [] : [notSupported(`${path}.apiGroup`, group, [""])]),
        ...(isNamespaced || textAt(subject, "namespace") !== "" ? [] : [required(`${path}.namespace`)]),
      ];
    case "User":
    case "Group":
      return group === RBAC_GROUP ? [] : [notSupported(`${path}.apiGroup`, group, [RBAC_GROUP])];
    default:
      return [notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"])];
  }
}
