import type { Deployment, ReplicaSet } from "@skerry/api";
import { DESIRED_REPLICAS, MAX_REPLICAS } from "./deployment-names.ts";
import { isRecreate, rollingLimits, totalStatus, totalWanted, wantedReplicas } from "./rolling-limits.ts";

/** New wanted numbers by ReplicaSet; those not named stay. */
export type ScalePlan = ReadonlyMap<ReplicaSet, number>;

/** How many pods the new ReplicaSet may have now, given what the others still have. */
export function newReplicaSetTarget(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = wantedReplicas(deployment);
  if (isRecreate(deployment)) return wanted;
  const room = wanted + rollingLimits(deployment).maxSurge - totalWanted(all);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/** One step of a rolling update: the new ReplicaSet grows as the surge allows, else old ones shrink as availability allows. */
export function rollingPlan(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): ScalePlan {
  const wanted = wantedReplicas(deployment);
  const current = wantedReplicas(newest);
  const target = current > wanted ? wanted : newReplicaSetTarget(deployment, [...old, newest], current);
  if (target !== current) return new Map([[newest, target]]);
  return shrinkOld(deployment, newest, old);
}

function shrinkOld(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): ScalePlan {
  const plan = new Map<ReplicaSet, number>();
  const all = [...old, newest];
  const minimumAvailable = wantedReplicas(deployment) - rollingLimits(deployment).maxUnavailable;
  const newestUnavailable = wantedReplicas(newest) - (newest.status?.availableReplicas ?? 0);
  let mayGo = totalWanted(all) - minimumAvailable - newestUnavailable;
  if (mayGo <= 0) return plan;
  const shrinking = old.filter((replicaSet) => wantedReplicas(replicaSet) > 0).sort(byCreation);
  // Pods that are not available anyway go first: they cost nothing, and a broken old version never blocks the new one.
  for (const replicaSet of shrinking) {
    const unhealthy = wantedReplicas(replicaSet) - (replicaSet.status?.availableReplicas ?? 0);
    const count = Math.min(mayGo, Math.max(0, unhealthy));
    if (count === 0) continue;
    plan.set(replicaSet, wantedReplicas(replicaSet) - count);
    mayGo -= count;
  }
  let availableMayGo = totalStatus(all, "availableReplicas") - minimumAvailable;
  for (const replicaSet of shrinking) {
    const left = plan.get(replicaSet) ?? wantedReplicas(replicaSet);
    const count = Math.min(Math.max(0, availableMayGo), left);
    if (count === 0) continue;
    plan.set(replicaSet, left - count);
    availableMayGo -= count;
  }
  return plan;
}

/** Whether the Deployment's number of pods changed since a ReplicaSet with pods was last scaled. */
export function isScalingEvent(deployment: Deployment, all: readonly ReplicaSet[]): boolean {
  return all.some((replicaSet) => {
    const desired = replicaSet.metadata.annotations?.[DESIRED_REPLICAS];
    return wantedReplicas(replicaSet) > 0 && desired !== undefined && Number(desired) !== wantedReplicas(deployment);
  });
}

/**
 * Brings a changed number of pods to the ReplicaSets without advancing the rollout: to the only one that has pods, or
 * in the middle of a rollout to each in proportion, so that a bad new version does not get all of the new pods.
 */
export function scalingPlan(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): ScalePlan {
  const wanted = wantedReplicas(deployment);
  const all = newest ? [newest, ...old] : [...old];
  const active = all.filter((replicaSet) => wantedReplicas(replicaSet) > 0);
  const only = active.length === 0 ? (newest ?? latest(old)) : active.length === 1 ? active[0] : undefined;
  if (only) return new Map(wantedReplicas(only) === wanted ? [] : [[only, wanted]]);
  const saturated =
    newest !== undefined &&
    wantedReplicas(newest) === wanted &&
    Number(newest.metadata.annotations?.[DESIRED_REPLICAS] ?? Number.NaN) === wanted &&
    newest.status?.availableReplicas === wanted;
  if (saturated) return new Map(old.filter((each) => wantedReplicas(each) > 0).map((each) => [each, 0]));
  if (isRecreate(deployment) || active.length === 0) return new Map();
  return proportionalPlan(deployment, active);
}

function proportionalPlan(deployment: Deployment, active: readonly ReplicaSet[]): ScalePlan {
  const plan = new Map<ReplicaSet, number>();
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + rollingLimits(deployment).maxSurge : 0;
  const toAdd = allowed - totalWanted(active);
  const sorted = [...active].sort(
    (left, right) =>
      wantedReplicas(right) - wantedReplicas(left) || (toAdd > 0 ? byCreation(right, left) : byCreation(left, right)),
  );
  let left = toAdd;
  for (const replicaSet of sorted) {
    const current = wantedReplicas(replicaSet);
    const maximum = Number(replicaSet.metadata.annotations?.[MAX_REPLICAS] ?? 0) || totalWanted(active);
    const share = Math.round((current * allowed) / maximum) - current;
    const part = toAdd > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left));
    plan.set(replicaSet, current + part);
    left -= part;
  }
  const first = sorted[0];
  if (first && left !== 0) plan.set(first, Math.max(0, (plan.get(first) ?? 0) + left));
  return plan;
}

/** Oldest first; names decide between equals. */
export function byCreation(left: ReplicaSet, right: ReplicaSet): number {
  const a = left.metadata.creationTimestamp ?? "";
  const b = right.metadata.creationTimestamp ?? "";
  if (a !== b) return a < b ? -1 : 1;
  return left.metadata.name < right.metadata.name ? -1 : 1;
}

function latest(replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...replicaSets].sort(byCreation).at(-1);
}
