import type { Condition, Job, Pod } from "@skerry/api";
import { findCondition } from "../conditions.ts";
import { countWithin, parseRanges, sizeOfRanges } from "./completion-indexes.ts";
import type { JobPods } from "./job-pods.ts";
import type { JobProgress } from "./job-progress.ts";

/** That a Job is to end, and why: its remaining pods go first, then the final condition follows. */
export interface JobVerdict {
  readonly type: "SuccessCriteriaMet" | "FailureTarget";
  readonly reason: string;
  readonly message: string;
}

/** Whether a Job's work is over, one way or the other; undefined while it goes on. */
export function jobVerdict(job: Job, pods: JobPods, progress: JobProgress, nowMs: number): JobVerdict | undefined {
  return decidedBefore(job) ?? failure(job, pods, progress, nowMs) ?? success(job, pods, progress);
}

/** The condition of a finished Job: `Complete` or `Failed`. */
export function finishedCondition(job: Job): Condition | undefined {
  return job.status?.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

/** How long until the Job has been active for too long; undefined without such a limit. */
export function msUntilJobDeadline(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  const startMs = Date.parse(job.status?.startTime ?? "");
  if (activeDeadlineSeconds === undefined || suspend || Number.isNaN(startMs)) return undefined;
  return Math.max(0, startMs + activeDeadlineSeconds * 1000 - nowMs);
}

function decidedBefore(job: Job): JobVerdict | undefined {
  for (const type of ["FailureTarget", "SuccessCriteriaMet"] as const) {
    const condition = findCondition(job.status?.conditions, type);
    if (condition?.status === "True") return { type, reason: condition.reason ?? "", message: condition.message ?? "" };
  }
  return undefined;
}

function failure(job: Job, pods: JobPods, progress: JobProgress, nowMs: number): JobVerdict | undefined {
  const failed = (reason: string, message: string): JobVerdict => ({ type: "FailureTarget", reason, message });
  if (progress.jobFailure !== undefined) return failed("PodFailurePolicy", progress.jobFailure);
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec;
  if (progress.failedCount > backoffLimit || isRestartedTooOften(job, pods.active, backoffLimit))
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (msUntilJobDeadline(job, nowMs) === 0)
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  const failedIndexCount = progress.failedIndexes.size;
  if (maxFailedIndexes !== undefined && failedIndexCount > maxFailedIndexes)
    return failed("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  const areAllDone = failedIndexCount > 0 && failedIndexCount + progress.completedIndexes.size >= completions;
  return areAllDone ? failed("FailedIndexes", "Job has failed indexes") : undefined;
}

function success(job: Job, pods: JobPods, progress: JobProgress): JobVerdict | undefined {
  const { completions, successPolicy } = job.spec;
  const rules = progress.completedIndexes.size > 0 ? (successPolicy?.rules ?? []) : [];
  const rule = rules.findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined)
      return progress.completedIndexes.size >= (succeededCount ?? Number.POSITIVE_INFINITY);
    const wanted = parseRanges(succeededIndexes, completions ?? 0);
    return countWithin(progress.completedIndexes, wanted) >= (succeededCount ?? sizeOfRanges(wanted));
  });
  if (rule >= 0)
    return { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message: `Matched rules at index ${rule}` };
  const isReached =
    completions === undefined
      ? progress.succeededCount > 0 && pods.active.length === 0
      : progress.succeededCount >= completions;
  return isReached
    ? {
        type: "SuccessCriteriaMet",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      }
    : undefined;
}

/** With restartPolicy OnFailure it is the containers that start again, not the pods. */
function isRestartedTooOften(job: Job, active: readonly Pod[], backoffLimit: number): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  const restarts = active
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}
