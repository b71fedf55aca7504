import type { DaemonSet } from "@skerry/api";
import { isPodReady, msUntilAvailable } from "../pod-state.ts";
import { type DaemonNode, isUpToDate } from "./daemon-plan.ts";

export type DaemonSetStatus = NonNullable<DaemonSet["status"]>;

/** The status that a DaemonSet with these nodes should show. */
export function daemonSetStatus(
  set: DaemonSet,
  nodes: readonly DaemonNode[],
  hash: string,
  collisionCount: number,
  nowMs: number,
): DaemonSetStatus {
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let [current, misscheduled, desired, ready, updated, available] = [0, 0, 0, 0, 0, 0];
  for (const { shouldRun, pods } of nodes) {
    if (!shouldRun) {
      if (pods.length > 0) misscheduled++;
      continue;
    }
    desired++;
    if (pods.length > 0) current++;
    const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (alive.some(isPodReady)) ready++;
    if (alive.some((pod) => msUntilAvailable(pod, minReadySeconds, nowMs) === 0)) available++;
    if (alive.some((pod) => isUpToDate(pod, hash))) updated++;
  }
  const { generation } = set.metadata;
  const { conditions } = set.status ?? {};
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
    ...(available > 0 ? { numberAvailable: available } : {}),
    ...(desired > available ? { numberUnavailable: desired - available } : {}),
    ...(collisionCount > 0 ? { collisionCount } : {}),
    ...(conditions ? { conditions } : {}),
  };
}
