import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { createdAt, name } from "../../table/common-columns.ts";
import { limitRangeColumns, podDisruptionBudgetColumns, resourceQuotaColumns } from "../../table/policy-columns.ts";
import { ensureObject, objectAt, objectsIn } from "../api-object.ts";
import { invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateLabelSelector } from "../validation/label-selector-validation.ts";
import { validateLimitRange } from "../validation/limit-range-validation.ts";
import { validateResourceQuota } from "../validation/quota-validation.ts";
import { amountErrors, shareErrors } from "../validation/rollout-validation.ts";
import { plainStrategy } from "./core.ts";
import type { KindEntry } from "./kind-entry.ts";
import { webhookConfigurationStrategy } from "./webhook-configurations.ts";

/** policy/v1 PodDisruptionBudget. */
export const podDisruptionBudgetStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  prepareForCreate(budget) {
    budget["status"] = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate(budget) {
    const spec = objectAt(budget, "spec");
    const { minAvailable, maxUnavailable } = spec;
    const amounts = Object.entries({ "spec.minAvailable": minAvailable, "spec.maxUnavailable": maxUnavailable });
    return [
      ...(minAvailable !== undefined && maxUnavailable !== undefined
        ? [invalidValue("spec", spec, "minAvailable and maxUnavailable cannot be both set")]
        : []),
      ...amounts.flatMap(([path, amount]) => [...amountErrors(path, amount), ...shareErrors(path, amount)]),
      ...validateLabelSelector(objectAt(spec, "selector"), "spec.selector"),
    ];
  },
};

/** core/v1 ResourceQuota. */
export const resourceQuotaStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  returnsDeletedObject: true,
  prepareForCreate(quota) {
    quota["status"] = {};
  },
  validate: (quota) => validateResourceQuota(objectAt(quota, "spec"), "spec"),
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec")["scopes"] ?? [], objectAt(previous, "spec")["scopes"] ?? []];
    return jsonEqual(after, before) ? [] : [invalidValue("spec.scopes", after, "field is immutable")];
  },
};

/** core/v1 LimitRange: limits stand in for missing defaults, and defaults for missing default requests. */
export const limitRangeStrategy: KindStrategy = {
  ...plainStrategy,
  applyDefaults(range) {
    for (const limit of objectsIn(objectAt(range, "spec")["limits"])) {
      if (limit["type"] !== "Container") continue;
      fill(limit, "default", "max");
      fill(limit, "defaultRequest", "default");
      fill(limit, "defaultRequest", "min");
    }
  },
  validate: (range) => validateLimitRange(objectAt(range, "spec"), "spec"),
};

function fill(limit: JsonObject, to: string, from: string): void {
  const source = objectAt(limit, from);
  if (Object.keys(source).length === 0) return;
  const target = ensureObject(limit, to);
  for (const [resource, quantity] of Object.entries(source)) if (quantity !== undefined) target[resource] ??= quantity;
}

/** Kinds that limit what others may do. */
export const policyKinds: readonly KindEntry[] = [
  {
    group: "policy",
    resource: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    shortNames: ["pdb"],
    strategy: podDisruptionBudgetStrategy,
    columns: podDisruptionBudgetColumns,
  },
  {
    group: "",
    resource: "resourcequotas",
    kind: "ResourceQuota",
    shortNames: ["quota"],
    strategy: resourceQuotaStrategy,
    columns: resourceQuotaColumns,
  },
  {
    group: "",
    resource: "limitranges",
    kind: "LimitRange",
    shortNames: ["limits"],
    strategy: limitRangeStrategy,
    columns: limitRangeColumns,
  },
  ...(
    [
      ["mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "mutating"],
      ["validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "validating"],
    ] as const
  ).map(
    ([resource, kind, type]): KindEntry => ({
      group: "admissionregistration.k8s.io",
      resource,
      kind,
      namespaced: false,
      categories: ["api-extensions"],
      strategy: webhookConfigurationStrategy(type),
      columns: [name, createdAt],
    }),
  ),
  ...(
    [
      ["validatingadmissionpolicies", "ValidatingAdmissionPolicy"],
      ["validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"],
      ["mutatingadmissionpolicies", "MutatingAdmissionPolicy"],
      ["mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"],
    ] as const
  ).map(
    ([resource, kind]): KindEntry => ({
      group: "admissionregistration.k8s.io",
      resource,
      kind,
      namespaced: false,
      categories: ["api-extensions"],
      strategy: { hasStatus: kind === "ValidatingAdmissionPolicy", tracksGeneration: true },
      columns: [name, createdAt],
      withoutEffect: `a ${kind} is only kept: nobody asks it before something is written`,
    }),
  ),
];
