import type { Pod, StatefulSet } from "@skerry/api";
import { countOf } from "../count-of.ts";
import { REVISION_HASH } from "../history/revision-history.ts";
import { isPodFinished, isPodReady, msUntilAvailable } from "../pod-state.ts";
import { firstOrdinal, isScaledAway, ordinalOf } from "./stateful-pods.ts";

/** Names of the two versions of a set's template that its pods may be of. */
export interface Revisions {
  readonly current: string;
  readonly update: string;
}

/** One pod to be made. */
export interface PlannedPod {
  readonly ordinal: number;
  /** Of the version that is being rolled out, else of the one before it. */
  readonly isUpdate: boolean;
}

/** The next step for a set; an ordered one does one thing after the other. */
export interface StatefulPlan {
  readonly create: readonly PlannedPod[];
  readonly delete: readonly Pod[];
}

/** Brings a set's pods closer to what it wants: failed ones anew, missing ones, superfluous ones, old ones. */
export function statefulPlan(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  nowMs: number,
): StatefulPlan {
  const isOrdered = set.spec.podManagementPolicy !== "Parallel";
  const start = firstOrdinal(set);
  const end = start + (set.spec.replicas ?? 1);
  const isHealthy = (pod: Pod): boolean =>
    isPodReady(pod) &&
    pod.metadata.deletionTimestamp === undefined &&
    msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const create: PlannedPod[] = [];
  const doomed: Pod[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) create.push({ ordinal, isUpdate: !isOfCurrent(set, ordinal, revisions) });
    else if (isPodFinished(pod) && !pod.metadata.deletionTimestamp) doomed.push(pod);
    else if (isHealthy(pod) || !isOrdered) continue;
    if (isOrdered) return { create, delete: doomed };
  }
  const condemned = pods
    .filter((pod) => isScaledAway(set, pod))
    .sort((left, right) => (ordinalOf(set, right) ?? 0) - (ordinalOf(set, left) ?? 0));
  for (const pod of condemned) {
    if (!pod.metadata.deletionTimestamp) doomed.push(pod);
    if (isOrdered) return { create, delete: doomed };
  }
  if (create.length + doomed.length + condemned.length > 0) return { create, delete: doomed };
  return { create, delete: outdated(set, byOrdinal, start, end, revisions, isHealthy) };
}

/** Whether a new pod of the ordinal is still of the version before the one that is being rolled out. */
function isOfCurrent(set: StatefulSet, ordinal: number, revisions: Revisions): boolean {
  if (revisions.current === revisions.update) return false;
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === "OnDelete") return false;
  return ordinal < firstOrdinal(set) + (rollingUpdate?.partition ?? 0);
}

/** The next pods to be replaced by ones of the new version: from the last ordinal down to the partition. */
function outdated(
  set: StatefulSet,
  byOrdinal: ReadonlyMap<number | undefined, Pod>,
  start: number,
  end: number,
  revisions: Revisions,
  isHealthy: (pod: Pod) => boolean,
): Pod[] {
  const { type, rollingUpdate = {} } = set.spec.updateStrategy ?? {};
  if (type === "OnDelete") return [];
  const mostUnavailable = Math.max(1, countOf(rollingUpdate.maxUnavailable ?? 1, end - start, Math.ceil));
  const all = [...byOrdinal.values()];
  let unavailableCount = all.filter((pod) => !isHealthy(pod)).length;
  const doomed: Pod[] = [];
  for (let ordinal = end - 1; ordinal >= start + (rollingUpdate.partition ?? 0); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (!pod || pod.metadata.labels?.[REVISION_HASH] === revisions.update) {
      if (pod && !isHealthy(pod) && mostUnavailable === 1) return doomed;
      continue;
    }
    if (pod.metadata.deletionTimestamp) return doomed;
    // A pod that does not serve anyway may be replaced at any time.
    if (isHealthy(pod)) {
      if (unavailableCount >= mostUnavailable) return doomed;
      unavailableCount++;
    }
    doomed.push(pod);
    if (doomed.length >= mostUnavailable) return doomed;
  }
  return doomed;
}
