import type { JsonObject } from "@skerry/base";
import type { PolicyRule } from "./policy-rule.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** A rule for resources. */
export function rule(apiGroups: string[], resources: string[], verbs: string[], resourceNames?: string[]): PolicyRule {
  return { apiGroups, ...(resourceNames ? { resourceNames } : {}), resources, verbs };
}

/** A rule that lets paths be read which are no resources. */
export function pathsRule(nonResourceURLs: string[]): PolicyRule {
  return { nonResourceURLs, verbs: ["get"] };
}

/** A ClusterRole that the cluster begins with. */
export function defaultRole(
  name: string,
  rules: readonly PolicyRule[],
  labels: Readonly<Record<string, string>> = {},
): JsonObject {
  return { apiVersion: `${RBAC_GROUP}/v1`, kind: "ClusterRole", metadata: metadata(name, labels), rules: [...rules] };
}

/** The label of ClusterRoles whose rules become those of the role, too. */
export function aggregationLabel(roleName: string): Readonly<Record<string, string>> {
  return { [`rbac.authorization.k8s.io/aggregate-to-${roleName}`]: "true" };
}

/** A ClusterRole that the cluster begins with and whose rules are those of all that bear its label. */
export function aggregatedRole(name: string, labels: Readonly<Record<string, string>> = {}): JsonObject {
  const { rules: _none, ...role } = defaultRole(name, [], labels);
  return { ...role, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { ...aggregationLabel(name) } }] } };
}

/** A ClusterRoleBinding that the cluster begins with. */
export function defaultBinding(roleName: string, groups: readonly string[]): JsonObject {
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: "ClusterRoleBinding",
    metadata: metadata(roleName, {}),
    roleRef: { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: roleName },
    ...(groups.length === 0
      ? {}
      : { subjects: groups.map((group) => ({ apiGroup: RBAC_GROUP, kind: "Group", name: group })) }),
  };
}

function metadata(name: string, labels: Readonly<Record<string, string>>): JsonObject {
  return {
    name,
    annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  };
}
