import type { JsonObject } from "@skerry/base";
import { aggregatedRole, aggregationLabel, defaultRole, RBAC_GROUP, rule } from "./bootstrap-objects.ts";
import type { PolicyRule } from "./policy-rule.ts";

const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];

const VIEW_RULES: readonly PolicyRule[] = [
  rule(
    [""],
    [
      ...["configmaps", "endpoints", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods"],
      ...["replicationcontrollers", "replicationcontrollers/scale", "serviceaccounts", "services", "services/status"],
    ],
    READ,
  ),
  rule(
    [""],
    [
      ...["bindings", "events", "limitranges", "namespaces/status", "pods/log", "pods/status"],
      ...["replicationcontrollers/status", "resourcequotas", "resourcequotas/status"],
    ],
    READ,
  ),
  // Within a namespace this is a right to read that namespace alone.
  rule([""], ["namespaces"], READ),
  rule(["discovery.k8s.io"], ["endpointslices"], READ),
  rule(
    ["apps"],
    [
      ...["controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale"],
      ...["deployments/status", "replicasets", "replicasets/scale", "replicasets/status"],
      ...["statefulsets", "statefulsets/scale", "statefulsets/status"],
    ],
    READ,
  ),
  rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], READ),
  rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], READ),
  rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], READ),
  rule(["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"], READ),
  // On other clusters metrics-server adds this; here the API server has it built in.
  rule(["metrics.k8s.io"], ["pods"], ["get", "list"]),
];

const EDIT_RULES: readonly PolicyRule[] = [
  // To read these gives more rights than to look.
  rule([""], ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"], READ),
  rule([""], ["serviceaccounts"], ["impersonate"]),
  rule([""], ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], WRITE),
  rule([""], ["pods/eviction"], ["create"]),
  rule(
    [""],
    [
      ...["configmaps", "events", "persistentvolumeclaims", "replicationcontrollers", "replicationcontrollers/scale"],
      ...["secrets", "serviceaccounts", "services", "services/proxy"],
    ],
    WRITE,
  ),
  rule([""], ["serviceaccounts/token"], ["create"]),
  rule(
    ["apps"],
    [
      ...["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets"],
      ...["replicasets/scale", "statefulsets", "statefulsets/scale"],
    ],
    WRITE,
  ),
  rule(["autoscaling"], ["horizontalpodautoscalers"], WRITE),
  rule(["batch"], ["cronjobs", "jobs"], WRITE),
  rule(["policy"], ["poddisruptionbudgets"], WRITE),
  rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], WRITE),
  rule(["coordination.k8s.io"], ["leases"], [...WRITE, ...READ]),
];

const ADMIN_RULES: readonly PolicyRule[] = [
  rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
  rule([RBAC_GROUP], ["rolebindings", "roles"], [...WRITE, ...READ]),
];

/** The role that each of the aggregated ones has its own rules by; in older versions these had them themselves. */
export const OWN_PARTS: ReadonlyMap<string, string> = new Map(
  ["admin", "edit", "view"].map((name) => [name, `system:aggregate-to-${name}`]),
);

/** `admin`, `edit` and `view`, and what they are put together from; whoever adds an API labels a role of its own. */
export const userRoles: readonly JsonObject[] = [
  aggregatedRole("admin"),
  aggregatedRole("edit", aggregationLabel("admin")),
  aggregatedRole("view", aggregationLabel("edit")),
  defaultRole("system:aggregate-to-admin", ADMIN_RULES, aggregationLabel("admin")),
  defaultRole("system:aggregate-to-edit", EDIT_RULES, aggregationLabel("edit")),
  defaultRole("system:aggregate-to-view", VIEW_RULES, aggregationLabel("view")),
];
