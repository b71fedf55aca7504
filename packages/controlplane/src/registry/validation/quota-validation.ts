import type { JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import { requirementValues } from "./label-selector-validation.ts";
import { nameErrors, qualifiedNameRule } from "./name-rules.ts";
import { amountErrors, resourceAmounts } from "./resource-validation.ts";

/** What is counted by whole objects. */
const COUNTED: ReadonlySet<string> = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
]);
const COMPUTE = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const AMOUNTS: ReadonlySet<string> = new Set([
  ...COMPUTE,
  "ephemeral-storage",
  "requests.ephemeral-storage",
  "limits.ephemeral-storage",
  "requests.storage",
]);
const HUGE_PAGES = /^(requests\.)?hugepages-/;
/** Resources that are no quota's, but are known. */
const OTHERS: ReadonlySet<string> = new Set(["storage"]);

const OF_PODS: ReadonlySet<string> = new Set(["pods", ...COMPUTE]);
/** The scopes, and for which of the resources without a domain they can stand. */
const SCOPES: Readonly<Record<string, ReadonlySet<string>>> = {
  Terminating: OF_PODS,
  NotTerminating: OF_PODS,
  NotBestEffort: OF_PODS,
  PriorityClass: OF_PODS,
  CrossNamespacePodAffinity: OF_PODS,
  BestEffort: new Set(["pods"]),
  VolumeAttributesClass: new Set(["persistentvolumeclaims", "requests.storage"]),
};
/** Scopes that take no values. */
const PLAIN_SCOPES: ReadonlySet<string> = new Set([
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
]);
const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

/** Rules of a ResourceQuota's spec. */
export function validateResourceQuota(spec: JsonObject, path: string): FieldError[] {
  const hard = objectAt(spec, "hard");
  const amounts = resourceAmounts(hard).flatMap((amount) => {
    const { name } = amount;
    const at = `${path}.hard[${name}]`;
    const isWhole = COUNTED.has(name) || (name.includes("/") && !name.startsWith("requests."));
    return [...quotaResourceErrors(name, at), ...amountErrors(amount, at, isWhole)];
  });
  return [...amounts, ...scopeErrors(spec, Object.keys(hard), path), ...selectorErrors(spec, path)];
}

function quotaResourceErrors(name: string, path: string): FieldError[] {
  const errors = nameErrors(qualifiedNameRule, path, name);
  if (errors.length > 0 || name.includes("/") || isOfQuotas(name)) return errors;
  return [
    ...(OTHERS.has(name) ? [] : [invalidValue(path, name, "must be a standard resource type or fully qualified")]),
    invalidValue(path, name, "must be a standard resource for quota"),
  ];
}

function isOfQuotas(name: string): boolean {
  return COUNTED.has(name) || AMOUNTS.has(name) || HUGE_PAGES.test(name);
}

function scopeErrors(spec: JsonObject, resources: readonly string[], path: string): FieldError[] {
  const scopes = Array.isArray(spec["scopes"]) ? spec["scopes"].map(String) : [];
  const at = `${path}.scopes`;
  const errors = scopes.flatMap((scope) => [
    ...(Object.hasOwn(SCOPES, scope) ? [] : [invalidValue(at, scopes, "unsupported scope")]),
    ...resources
      .filter((name) => isOfQuotas(name) && SCOPES[scope]?.has(name) === false)
      .map(() => invalidValue(at, scopes, "unsupported scope applied to resource")),
  ]);
  for (const pair of CONFLICTS)
    if (pair.every((scope) => scopes.includes(scope))) errors.push(invalidValue(at, scopes, "conflicting scopes"));
  return errors;
}

function selectorErrors(spec: JsonObject, path: string): FieldError[] {
  const at = `${path}.scopeSelector.matchExpressions`;
  return objectsIn(objectAt(spec, "scopeSelector")["matchExpressions"]).flatMap((requirement) => {
    const [scope, operator] = [textAt(requirement, "scopeName"), textAt(requirement, "operator")];
    const values = requirementValues(requirement);
    const needsValues = operator === "In" || operator === "NotIn";
    return [
      ...(PLAIN_SCOPES.has(scope) && operator !== "Exists"
        ? [
            invalidValue(
              `${at}.operator`,
              operator,
              "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            ),
          ]
        : []),
      ...(needsValues && values.length === 0
        ? [required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")]
        : []),
      ...(!needsValues && values.length > 0
        ? [
            invalidValue(
              `${at}.values`,
              values,
              "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            ),
          ]
        : []),
    ];
  });
}
