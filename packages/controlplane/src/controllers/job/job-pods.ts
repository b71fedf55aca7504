import type { Job, Pod } from "@skerry/api";
import { isPodFinished, isPodReady } from "../pod-state.ts";
import { JOB_TRACKING } from "./job-names.ts";

/** A Job's pods by what they are to it. */
export interface JobPods {
  readonly all: readonly Pod[];
  /** Held by the finalizer. */
  readonly held: readonly Pod[];
  /** Running or about to. */
  readonly active: readonly Pod[];
  /** Being deleted, with something of them perhaps still running. */
  readonly terminating: readonly Pod[];
  readonly readyCount: number;
  /** Held and ended well, so perhaps not counted yet. */
  readonly succeeded: readonly Pod[];
  /** Held and ended badly, so perhaps not counted yet. */
  readonly failed: readonly Pod[];
}

/** Sorts a Job's pods. @param released UIDs of pods without finalizer that the cache still shows with it */
export function jobPods(job: Job, all: readonly Pod[], released: ReadonlySet<string>): JobPods {
  const held = all.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? ""));
  const unfinished = all.filter((pod) => !isPodFinished(pod));
  const active = unfinished.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return {
    all,
    held,
    active,
    terminating: unfinished.filter(({ metadata }) => metadata.deletionTimestamp !== undefined),
    readyCount: active.filter(isPodReady).length,
    succeeded: held.filter(({ status }) => status?.phase === "Succeeded"),
    failed: held.filter((pod) => hasFailed(job, pod)),
  };
}

/** Whether the Job has yet to count the pod, or to let it go. */
export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(JOB_TRACKING) === true;
}

/** Whether the pod counts as a failure: a deleted one too, unless only failed pods are to be replaced. */
function hasFailed(job: Job, { metadata, status }: Pod): boolean {
  if (status?.phase === "Failed") return true;
  if (job.spec.podReplacementPolicy === "Failed") return false;
  return metadata.deletionTimestamp !== undefined && status?.phase !== "Succeeded";
}
