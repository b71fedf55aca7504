import type { JsonObject } from "@skerry/base";
import { defaultBinding, defaultRole, pathsRule, rule } from "./bootstrap-objects.ts";
import { NODE_RULES } from "./node-rules.ts";
import { EVERYTHING } from "./rbac-authorizer.ts";
import { userRoles } from "./user-roles.ts";

const CERTIFICATES = "certificates.k8s.io";
const HEALTH = ["/healthz", "/livez", "/readyz"];
const VERSION = ["/version", "/version/"];

const approver = (name: string, signer: string): JsonObject =>
  defaultRole(`system:${CERTIFICATES}:${name}-approver`, [rule([CERTIFICATES], ["signers"], ["approve"], [signer])]);

/** The roles that every cluster begins with, but for those of components that do not run here. */
export const bootstrapRoles: readonly JsonObject[] = [
  defaultRole("cluster-admin", EVERYTHING),
  ...userRoles,
  defaultRole("system:discovery", [
    pathsRule([
      ...["/.well-known", "/.well-known/*", "/api", "/api/*", "/apis", "/apis/*"],
      ...["/openapi", "/openapi/*", ...HEALTH, ...VERSION],
    ]),
  ]),
  defaultRole("system:monitoring", [pathsRule(["/metrics", ...HEALTH, ...HEALTH.map((path) => `${path}/*`)])]),
  defaultRole("system:public-info-viewer", [pathsRule([...HEALTH, ...VERSION])]),
  defaultRole("system:service-account-issuer-discovery", [
    pathsRule(["/.well-known/openid-configuration", "/openid/v1/jwks"]),
  ]),
  defaultRole("system:basic-user", [
    rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
    rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
  ]),
  defaultRole("system:auth-delegator", [
    rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
    rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
  ]),
  defaultRole("system:node", NODE_RULES),
  defaultRole("system:node-bootstrapper", [
    rule([CERTIFICATES], ["certificatesigningrequests"], ["create", "get", "list", "watch"]),
  ]),
  approver("kube-apiserver-client", "kubernetes.io/kube-apiserver-client"),
  approver("kube-apiserver-client-kubelet", "kubernetes.io/kube-apiserver-client-kubelet"),
  approver("kubelet-serving", "kubernetes.io/kubelet-serving"),
];

/** Who has them from the beginning. */
export const bootstrapBindings: readonly JsonObject[] = [
  defaultBinding("cluster-admin", ["system:masters"]),
  defaultBinding("system:discovery", ["system:authenticated"]),
  defaultBinding("system:monitoring", ["system:monitoring"]),
  defaultBinding("system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
  defaultBinding("system:service-account-issuer-discovery", ["system:serviceaccounts"]),
  defaultBinding("system:basic-user", ["system:authenticated"]),
  // Nodes have these by the node authorizer, and only as far as they concern them.
  defaultBinding("system:node", []),
];
