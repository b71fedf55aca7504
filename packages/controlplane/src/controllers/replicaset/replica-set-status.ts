import type { Condition, Pod, ReplicaSet } from "@skerry/api";
import { withCondition, withoutCondition } from "../conditions.ts";
import { isPodReady, msUntilAvailable } from "../pod-state.ts";
import type { PodFailure } from "../pods/pod-control.ts";

export type ReplicaSetStatus = NonNullable<ReplicaSet["status"]>;

/** The status that a ReplicaSet with these active pods should show. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  terminatingCount: number,
  failure: PodFailure | undefined,
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
