import { rule } from "./bootstrap-objects.ts";
import type { PolicyRule } from "./policy-rule.ts";

const READ = ["get", "list", "watch"];
const KEEP = ["get", "create", "update", "patch", "delete"];

/**
 * What all nodes may do alike. Of these the node authorizer narrows some to the node's own, and NodeRestriction the
 * others, so the ClusterRole `system:node` that has them is bound to nobody.
 */
export const NODE_RULES: readonly PolicyRule[] = [
  rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
  rule(["authorization.k8s.io"], ["subjectaccessreviews", "localsubjectaccessreviews"], ["create"]),
  rule([""], ["services"], READ),
  rule([""], ["nodes"], ["create", ...READ]),
  rule([""], ["nodes/status"], ["patch", "update"]),
  rule([""], ["nodes"], ["patch", "update"]),
  rule([""], ["events"], ["create", "patch", "update"]),
  rule([""], ["pods"], READ),
  rule([""], ["pods"], ["create", "delete"]),
  rule([""], ["pods/status"], ["patch", "update"]),
  rule([""], ["pods/eviction"], ["create"]),
  rule([""], ["configmaps", "secrets"], READ),
  rule([""], ["persistentvolumeclaims", "persistentvolumes"], ["get"]),
  rule([""], ["endpoints"], ["get"]),
  rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...READ]),
  rule(["coordination.k8s.io"], ["leases"], KEEP),
  rule(["storage.k8s.io"], ["volumeattachments"], ["get"]),
  rule([""], ["serviceaccounts/token"], ["create"]),
  rule([""], ["persistentvolumeclaims/status"], ["get", "patch", "update"]),
  rule(["storage.k8s.io"], ["csidrivers"], READ),
  rule(["storage.k8s.io"], ["csinodes"], KEEP),
  rule(["node.k8s.io"], ["runtimeclasses"], READ),
];
