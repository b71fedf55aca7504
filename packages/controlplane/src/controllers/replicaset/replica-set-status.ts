import type { Condition, Pod, ReplicaSet } from "@skerry/api";
import { withCondition, withoutCondition } from "../conditions.ts";
import { isPodReady, msUntilAvailable } from "../pod-state.ts";

export type ReplicaSetStatus = NonNullable<ReplicaSet["status"]>;

/** A failure of the last sync, as the ReplicaFailure condition tells it. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** The status that a ReplicaSet with these active pods should show. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  terminatingCount: number,
  failure: ReplicaFailure | undefined,
  now: { readonly epochMs: number; readonly text: string },
): ReplicaSetStatus {
  const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
  const templateLabels = Object.entries(replicaSet.spec.template.metadata?.labels ?? {});
  const fullyLabeled = pods.filter((pod) =>
    templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  const ready = pods.filter(isPodReady);
  const available = ready.filter((pod) => msUntilAvailable(pod, minReadySeconds, now.epochMs) === 0);
  const condition: Condition | undefined = failure && {
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: now.text,
    ...failure,
  };
  const before = replicaSet.status?.conditions;
  const conditions = condition ? withCondition(before, condition) : withoutCondition(before, "ReplicaFailure");
  return {
    replicas: pods.length,
    terminatingReplicas: terminatingCount,
    ...(fullyLabeled.length > 0 ? { fullyLabeledReplicas: fullyLabeled.length } : {}),
    ...(ready.length > 0 ? { readyReplicas: ready.length } : {}),
    ...(available.length > 0 ? { availableReplicas: available.length } : {}),
    ...(replicaSet.metadata.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
    ...(conditions.length > 0 ? { conditions } : {}),
  };
}

/** How long until another pod becomes available by time alone; undefined when none will. */
export function nextAvailabilityMs(replicaSet: ReplicaSet, pods: readonly Pod[], nowMs: number): number | undefined {
  const waits = pods
    .map((pod) => msUntilAvailable(pod, replicaSet.spec.minReadySeconds ?? 0, nowMs))
    .filter((wait) => wait !== undefined && wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits.map(Number));
}
