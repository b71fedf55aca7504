/** Annotation with the number of a template's version, on Deployment and ReplicaSet; `kubectl rollout` reads it. */
export const REVISION = "deployment.kubernetes.io/revision";
/** Earlier numbers of a ReplicaSet that a rollback brought back. */
export const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
/** How many replicas the Deployment wanted when the ReplicaSet was last scaled. */
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
/** How many pods there may have been at most then. */
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";
/** Label that keeps the ReplicaSets of a Deployment, and their pods, apart. */
export const POD_TEMPLATE_HASH = "pod-template-hash";

/** The Deployment's annotations that are its own and not copied to its ReplicaSets. */
export const NOT_COPIED: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  "deprecated.deployment.rollback.to",
]);
