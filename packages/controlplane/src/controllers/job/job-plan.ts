import type { Job, Pod } from "@skerry/api";
import type { Random } from "@skerry/base";
import { freshPodName, podFromTemplate } from "../pods/pod-from-template.ts";
import { podsToDelete } from "../replicaset/pod-deletion-order.ts";
import { completionIndexOf } from "./completion-indexes.ts";
import { backoffRemainingMs } from "./job-backoff.ts";
import { COMPLETION_INDEX, INDEX_FAILURE_COUNT, JOB_TRACKING } from "./job-names.ts";
import type { JobPods } from "./job-pods.ts";
import { failureCountOf, type JobProgress } from "./job-progress.ts";

/** Most pods created or deleted in one go for one Job. */
const BURST = 500;

/** What is to be done with a running Job's pods. */
export interface JobPlan {
  readonly create: readonly Pod[];
  readonly delete: readonly Pod[];
  /** When to look again, because failed pods are not replaced at once. */
  readonly waitMs?: number;
}

/** Brings the number of pods to the Job's parallelism, as long as there is work for them. */
export function jobPlan(job: Job, pods: JobPods, progress: JobProgress, nowMs: number, random: Random): JobPlan {
  const { parallelism = 1, completions, completionMode, podReplacementPolicy } = job.spec;
  const isIndexed = completionMode === "Indexed";
  const { active } = pods;
  let wanted = parallelism;
  if (completions !== undefined)
    wanted = Math.min(parallelism, completions - progress.succeededCount - progress.failedIndexes.size);
  else if (progress.succeededCount > 0) wanted = Math.min(active.length, parallelism);
  wanted = Math.max(0, wanted);
  const superfluous = isIndexed ? superfluousIndexes(active, progress, completions ?? 0) : [];
  const kept = active.filter((pod) => !superfluous.includes(pod));
  const doomed = [...superfluous, ...podsToDelete(kept, kept.length - wanted)].slice(0, BURST);
  if (doomed.length > 0) return { create: [], delete: doomed };
  const occupied = active.length + (podReplacementPolicy === "Failed" ? pods.terminating.length : 0);
  const missing = Math.min(wanted - occupied, BURST);
  if (missing <= 0) return { create: [], delete: [] };
  if (isIndexed) return indexedPlan(job, pods, progress, missing, nowMs, random);
  const waitMs = backoffRemainingMs(pods.all, nowMs);
  if (waitMs > 0) return { create: [], delete: [], waitMs };
  const taken = new Set<string>();
  const create = Array.from({ length: missing }, () => jobPod(job, freshPodName(job.metadata.name, random, taken)));
  return { create, delete: [] };
}

/** Two pods with the same index, or one for what is done or does not exist. */
function superfluousIndexes(active: readonly Pod[], progress: JobProgress, completions: number): Pod[] {
  const seen = new Set<number>();
  return active.filter((pod) => {
    const index = completionIndexOf(pod);
    const isNeeded =
      index !== undefined && index < completions && !seen.has(index) && !progress.completedIndexes.has(index);
    if (isNeeded) seen.add(index);
    return !isNeeded;
  });
}

function indexedPlan(
  job: Job,
  pods: JobPods,
  progress: JobProgress,
  missing: number,
  nowMs: number,
  random: Random,
): JobPlan {
  const { completions = 0, backoffLimitPerIndex, podReplacementPolicy } = job.spec;
  const hasOwnBackoff = backoffLimitPerIndex !== undefined;
  const waitAllMs = hasOwnBackoff ? 0 : backoffRemainingMs(pods.all, nowMs);
  if (waitAllMs > 0) return { create: [], delete: [], waitMs: waitAllMs };
  const busy = new Set(
    [...pods.active, ...(podReplacementPolicy === "Failed" ? pods.terminating : [])].map(completionIndexOf),
  );
  const create: Pod[] = [];
  let waitMs: number | undefined;
  for (let index = 0; index < completions && create.length < missing; index++) {
    if (busy.has(index) || progress.completedIndexes.has(index) || progress.failedIndexes.has(index)) continue;
    const before = hasOwnBackoff ? pods.all.filter((pod) => completionIndexOf(pod) === index) : [];
    const remainingMs = backoffRemainingMs(before, nowMs);
    if (remainingMs > 0) {
      waitMs = Math.min(waitMs ?? remainingMs, remainingMs);
      continue;
    }
    const failures = Math.max(
      0,
      ...before.filter(({ status }) => status?.phase === "Failed").map((pod) => failureCountOf(pod) + 1),
    );
    create.push(indexedPod(job, index, hasOwnBackoff ? failures : undefined, random));
  }
  return { create, delete: [], ...(waitMs === undefined ? {} : { waitMs }) };
}

function jobPod(job: Job, name: string, own: Parameters<typeof podFromTemplate>[3] = {}): Pod {
  const pod = podFromTemplate(job, job.spec.template, name, own);
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), JOB_TRACKING] } };
}

/** The pod of one index: it knows its number by annotation, label, variable and host name. */
function indexedPod(job: Job, index: number, failures: number | undefined, random: Random): Pod {
  const base = `${job.metadata.name}-${index}`;
  const pod = jobPod(job, freshPodName(base, random, new Set()), {
    labels: { [COMPLETION_INDEX]: String(index) },
    annotations: {
      [COMPLETION_INDEX]: String(index),
      ...(failures === undefined ? {} : { [INDEX_FAILURE_COUNT]: String(failures) }),
    },
  });
  const variable = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } },
  };
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers])
    if (!container.env?.some(({ name }) => name === variable.name))
      container.env = [...(container.env ?? []), structuredClone(variable)];
  return {
    ...pod,
    metadata: { ...pod.metadata, generateName: `${base}-` },
    spec: { ...pod.spec, hostname: base },
  };
}
