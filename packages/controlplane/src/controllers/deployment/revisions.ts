import type { Deployment, ReplicaSet } from "@skerry/api";
import { DESIRED_REPLICAS, MAX_REPLICAS, NOT_COPIED, REVISION, REVISION_HISTORY } from "./deployment-names.ts";
import { rollingLimits, wantedReplicas } from "./rolling-limits.ts";

/** The ReplicaSet's revision; 0 when it has none. */
export function revisionOf(object: ReplicaSet | Deployment): number {
  const revision = Number(object.metadata.annotations?.[REVISION] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The highest revision among ReplicaSets; 0 when there are none. */
export function highestRevision(replicaSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...replicaSets.map(revisionOf));
}

/**
 * The annotations that the newest ReplicaSet should have: the Deployment's own, its revision (a rollback brings an
 * older ReplicaSet to a new number and keeps the old one in its history), and the scale of the Deployment.
 */
export function newestAnnotations(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  revision: number,
): Record<string, string> {
  const annotations: Record<string, string> = { ...newest?.metadata.annotations };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) annotations[key] = value;
  }
  const before = newest ? revisionOf(newest) : 0;
  if (before < revision) {
    annotations[REVISION] = String(revision);
    if (before > 0) {
      const history = (annotations[REVISION_HISTORY] ?? "").split(",").filter(Boolean);
      annotations[REVISION_HISTORY] = [...history, String(before)].slice(-100).join(",");
    }
  }
  return newest ? annotations : { ...annotations, ...scaleAnnotations(deployment) };
}

/** What a ReplicaSet notes about its Deployment's size when it is scaled. */
export function scaleAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = wantedReplicas(deployment);
  return {
    [DESIRED_REPLICAS]: String(wanted),
    [MAX_REPLICAS]: String(wanted + rollingLimits(deployment).maxSurge),
  };
}
