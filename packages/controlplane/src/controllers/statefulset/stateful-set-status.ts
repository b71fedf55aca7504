import type { Pod, StatefulSet } from "@skerry/api";
import { REVISION_HASH } from "../history/revision-history.ts";
import { isPodReady, msUntilAvailable } from "../pod-state.ts";
import type { Revisions } from "./stateful-plan.ts";

export type StatefulSetStatus = NonNullable<StatefulSet["status"]>;

/** The status that a set with these pods should show. A rollout that is through makes the new version the current one. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  collisionCount: number,
  nowMs: number,
): StatefulSetStatus {
  const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ofRevision = (revision: string): number =>
    alive.filter(({ metadata }) => metadata.labels?.[REVISION_HASH] === revision).length;
  const ready = pods.filter(isPodReady);
  const available = ready.filter((pod) => msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0);
  const updatedCount = ofRevision(revisions.update);
  const isRolledOut =
    set.spec.updateStrategy?.type !== "OnDelete" && updatedCount === pods.length && ready.length === pods.length;
  const current = isRolledOut ? revisions.update : revisions.current;
  const currentCount = ofRevision(current);
  const { generation } = set.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    replicas: pods.length,
    ...(ready.length > 0 ? { readyReplicas: ready.length } : {}),
    ...(currentCount > 0 ? { currentReplicas: currentCount } : {}),
    ...(updatedCount > 0 ? { updatedReplicas: updatedCount } : {}),
    availableReplicas: available.length,
    currentRevision: current,
    updateRevision: revisions.update,
    collisionCount,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
}
