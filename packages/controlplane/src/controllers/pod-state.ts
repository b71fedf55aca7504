import type { Condition, Pod } from "@skerry/api";

/** Whether the pod still counts as running or about to run: not finished, not being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Whether all containers of the pod have ended for good. */
export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** The pod's condition of that type. */
export function podCondition(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Whether the pod's Ready condition is True. */
export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** How long until a ready pod has been ready for `minReadySeconds`: 0 when it is available now, undefined when not ready. */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  const sinceMs = Date.parse(ready.lastTransitionTime ?? "");
  if (Number.isNaN(sinceMs)) return minReadySeconds * 1000;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}

/** How long until another of the pods becomes available by time alone; undefined when none will. */
export function nextAvailabilityMs(
  pods: readonly Pod[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  const waits = pods.flatMap((pod) => msUntilAvailable(pod, minReadySeconds ?? 0, nowMs) || []);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
