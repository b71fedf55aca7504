import type { Deployment, ReplicaSet } from "@skerry/api";
import { countOf } from "../count-of.ts";

/** How far a rolling update may go above and below the wanted number of pods. */
export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** The wanted number of pods. */
export function wantedReplicas(object: Deployment | ReplicaSet): number {
  return object.spec.replicas ?? 1;
}

/** Whether the Deployment replaces all pods at once. */
export function isRecreate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type === "Recreate";
}

/** The limits as numbers of pods; zero for Recreate. When both come out as zero one pod may be unavailable. */
export function rollingLimits(deployment: Deployment): RollingLimits {
  if (isRecreate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = wantedReplicas(deployment);
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = countOf(maxSurge, replicas, Math.ceil);
  const unavailable = countOf(maxUnavailable, replicas, Math.floor);
  return {
    maxSurge: surge,
    maxUnavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, Math.max(replicas, 1)),
  };
}

/** Sum of the wanted pods of ReplicaSets. */
export function totalWanted(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + wantedReplicas(replicaSet), 0);
}

/** Sum of one number of the ReplicaSets' status. */
export function totalStatus(
  replicaSets: readonly (ReplicaSet | undefined)[],
  member: "replicas" | "readyReplicas" | "availableReplicas" | "terminatingReplicas",
): number {
  return replicaSets.reduce((sum, replicaSet) => sum + (replicaSet?.status?.[member] ?? 0), 0);
}
