import type { Pod, PodStatus } from "@skerry/api";
import type { PodFailure } from "./pod-failure.ts";

/** Why a pod that outlived its `activeDeadlineSeconds` fails; undefined while it has not. */
export function deadlineFailure(pod: Pod, last: PodStatus | undefined, nowMs: number): PodFailure | undefined {
  if (untilDeadlineMs(pod, last, nowMs) > 0) return undefined;
  return { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" };
}

/** Time until the pod's deadline; infinite without one and for a pod that is over. */
export function untilDeadlineMs(pod: Pod, last: PodStatus | undefined, nowMs: number): number {
  const deadlineSeconds = pod.spec.activeDeadlineSeconds;
  const over = last?.phase === "Succeeded" || last?.phase === "Failed";
  if (deadlineSeconds === undefined || last?.startTime === undefined || over) return Number.POSITIVE_INFINITY;
  return Date.parse(last.startTime) + deadlineSeconds * 1000 - nowMs;
}
