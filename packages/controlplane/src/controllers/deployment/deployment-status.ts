import type { Condition, Deployment, ReplicaSet } from "@skerry/api";
import { findCondition, withCondition, withoutCondition } from "../conditions.ts";
import { rollingLimits, totalStatus, totalWanted, wantedReplicas } from "./rolling-limits.ts";

export type DeploymentStatus = NonNullable<Deployment["status"]>;

/** Wall clock as the status needs it. */
export interface StatusTime {
  readonly epochMs: number;
  readonly text: string;
}

/** Numbers and Available condition of a Deployment with these ReplicaSets; the other conditions stay. */
export function deploymentNumbers(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  time: StatusTime,
): DeploymentStatus {
  const available = totalStatus(all, "availableReplicas");
  const replicas = totalStatus(all, "replicas");
  const updated = newest?.status?.replicas ?? 0;
  const ready = totalStatus(all, "readyReplicas");
  const unavailable = Math.max(0, totalWanted(all) - available);
  const enough = available >= wantedReplicas(deployment) - rollingLimits(deployment).maxUnavailable;
  const conditions = withCondition(
    deployment.status?.conditions,
    condition(
      "Available",
      enough ? "True" : "False",
      enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
      time,
    ),
  );
  const { collisionCount } = deployment.status ?? {};
  return {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    ...(replicas > 0 ? { replicas } : {}),
    ...(updated > 0 ? { updatedReplicas: updated } : {}),
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...(available > 0 ? { availableReplicas: available } : {}),
    ...(unavailable > 0 ? { unavailableReplicas: unavailable } : {}),
    terminatingReplicas: totalStatus(all, "terminatingReplicas"),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions,
  };
}

/** The status after a rollout step: numbers, and the Progressing condition that `kubectl rollout status` waits on. */
export function rolloutStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  time: StatusTime,
): DeploymentStatus {
  const status = deploymentNumbers(deployment, newest, all, time);
  const before = deployment.status ?? {};
  const current = findCondition(status.conditions, "Progressing");
  let conditions = status.conditions ?? [];
  const name = newest?.metadata.name ?? deployment.metadata.name;
  const kind = newest ? "ReplicaSet" : "Deployment";
  const doneBefore =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === "NewReplicaSetAvailable";
  if (hasDeadline(deployment) && !doneBefore) {
    if (isComplete(deployment, status)) {
      const message = `${kind} "${name}" has successfully progressed.`;
      conditions = withCondition(conditions, condition("Progressing", "True", "NewReplicaSetAvailable", message, time));
    } else if (hasProgressed(before, status)) {
      const message = `${kind} "${name}" is progressing.`;
      const fresh = condition("Progressing", "True", "ReplicaSetUpdated", message, time);
      const kept = current?.status === "True" ? current.lastTransitionTime : undefined;
      conditions = [
        ...withoutCondition(conditions, "Progressing"),
        kept === undefined ? fresh : { ...fresh, lastTransitionTime: kept },
      ];
    } else if (msUntilDeadline(deployment, current, time.epochMs) === 0) {
      const message = `${kind} "${name}" has timed out progressing.`;
      conditions = withCondition(
        conditions,
        condition("Progressing", "False", "ProgressDeadlineExceeded", message, time),
      );
    }
  }
  const failure = all.map((replicaSet) => findCondition(replicaSet.status?.conditions, "ReplicaFailure")).find(Boolean);
  conditions = failure ? withCondition(conditions, failure) : withoutCondition(conditions, "ReplicaFailure");
  return { ...status, conditions };
}

/** A condition as Deployments have it. */
export function condition(
  type: string,
  status: Condition["status"],
  reason: string,
  message: string,
  { text }: StatusTime,
): Condition {
  return { type, status, lastUpdateTime: text, lastTransitionTime: text, reason, message };
}

/** Whether all pods are of the newest template and available, and none of the old are left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted
  );
}

/**
 * How long until a rollout without progress counts as failed: 0 when it does, undefined when it cannot (finished, no
 * deadline, paused, failed already).
 */
export function msUntilDeadline(
  deployment: Deployment,
  progressing: Condition | undefined,
  nowMs: number,
): number | undefined {
  if (!hasDeadline(deployment) || !progressing || progressing.reason === "NewReplicaSetAvailable") return undefined;
  if (progressing.reason === "ProgressDeadlineExceeded" || progressing.reason === "DeploymentPaused") return undefined;
  const sinceMs = Date.parse(progressing.lastUpdateTime ?? "");
  if (Number.isNaN(sinceMs)) return undefined;
  return Math.max(0, sinceMs + (deployment.spec.progressDeadlineSeconds ?? 600) * 1000 - nowMs);
}

function hasDeadline(deployment: Deployment): boolean {
  return deployment.spec.progressDeadlineSeconds !== 2_147_483_647;
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0) ||
    old(now) < old(before)
  );
}
