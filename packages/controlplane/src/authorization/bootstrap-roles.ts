import type { JsonObject } from "@skerry/base";

const RBAC = "rbac.authorization.k8s.io";
const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];
const WORKLOADS = ["deployments", "deployments/scale", "replicasets", "replicasets/scale"];
const CORE = ["configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "serviceaccounts", "services"];

const rule = (apiGroups: string[], resources: string[], verbs: string[]): JsonObject => ({
  apiGroups,
  resources,
  verbs,
});
const defaultMetadata = (name: string): JsonObject => ({
  name,
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults" },
});
const role = (name: string, rules: JsonObject[]): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: "ClusterRole",
  metadata: defaultMetadata(name),
  rules,
});
const binding = (name: string, roleName: string, groups: string[]): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: "ClusterRoleBinding",
  metadata: defaultMetadata(name),
  roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: roleName },
  subjects: groups.map((group) => ({ apiGroup: RBAC, kind: "Group", name: group })),
});

const viewRules: JsonObject[] = [
  rule(["metrics.k8s.io"], ["pods"], ["get", "list"]),
  rule([""], [...CORE, "namespaces", "pods/status", "pods/log"], READ),
  rule(["apps"], WORKLOADS, READ),
  rule(["discovery.k8s.io"], ["endpointslices"], READ),
];
const editRules: JsonObject[] = [
  ...viewRules,
  rule([""], [...CORE, "secrets"], [...READ, ...WRITE]),
  rule([""], ["pods/eviction"], ["create"]),
  rule(["apps"], WORKLOADS, WRITE),
  rule(["coordination.k8s.io"], ["leases"], [...READ, ...WRITE]),
];

/** The roles that every cluster begins with, as far as this control plane serves what they are about. */
export const bootstrapRoles: readonly JsonObject[] = [
  role("cluster-admin", [rule(["*"], ["*"], ["*"]), { nonResourceURLs: ["*"], verbs: ["*"] }]),
  role("admin", [...editRules, rule([RBAC], ["roles", "rolebindings"], [...READ, ...WRITE])]),
  role("edit", editRules),
  role("view", viewRules),
  role("system:discovery", [
    {
      nonResourceURLs: [
        "/.well-known",
        "/.well-known/*",
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
      ],
      verbs: ["get"],
    },
  ]),
  role("system:public-info-viewer", [
    { nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] },
  ]),
  role("system:basic-user", [
    rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
    rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
  ]),
];

/** Who has them from the beginning. */
export const bootstrapBindings: readonly JsonObject[] = [
  binding("cluster-admin", "cluster-admin", ["system:masters"]),
  binding("system:discovery", "system:discovery", ["system:authenticated"]),
  binding("system:public-info-viewer", "system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
  binding("system:basic-user", "system:basic-user", ["system:authenticated"]),
];
