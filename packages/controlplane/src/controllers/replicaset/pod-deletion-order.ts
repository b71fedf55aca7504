import type { Pod } from "@skerry/api";
import { isPodReady, podCondition } from "../pod-state.ts";

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/**
 * The `count` pods to delete first when there are too many, as Kubernetes ranks them: not yet bound, pending, not
 * ready, cheaper by deletion cost, on a node with more siblings, ready for a shorter time, restarted more often, younger.
 */
export function podsToDelete(pods: readonly Pod[], count: number): Pod[] {
  const siblings = new Map<string, number>();
  for (const pod of pods) {
    const node = pod.spec.nodeName ?? "";
    siblings.set(node, (siblings.get(node) ?? 0) + 1);
  }
  const keys = new Map(pods.map((pod) => [pod, rankOf(pod, siblings.get(pod.spec.nodeName ?? "") ?? 0)]));
  return [...pods]
    .sort((left, right) => compareRanks(keys.get(left) ?? [], keys.get(right) ?? []))
    .slice(0, Math.max(0, count));
}

/** Smaller is deleted earlier; compared from left to right. */
function rankOf(pod: Pod, siblingCount: number): (number | string)[] {
  const phase = { Pending: 0, Unknown: 1 }[String(pod.status?.phase ?? "Pending")] ?? 2;
  const ready = isPodReady(pod);
  const readySince = ready ? (podCondition(pod, "Ready")?.lastTransitionTime ?? "") : "";
  const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
  const cost = Number.parseInt(pod.metadata.annotations?.[DELETION_COST] ?? "0", 10) || 0;
  return [
    pod.spec.nodeName ? 1 : 0,
    phase,
    ready ? 1 : 0,
    cost,
    -siblingCount,
    -epochMs(readySince),
    -restarts,
    -epochMs(pod.metadata.creationTimestamp ?? ""),
    pod.metadata.name,
  ];
}

function epochMs(time: string): number {
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? 0 : parsed;
}

function compareRanks(left: readonly (number | string)[], right: readonly (number | string)[]): number {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? value;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
