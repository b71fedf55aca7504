import type { Condition, Job, JobStatus } from "@skerry/api";
import { findCondition, withCondition } from "../conditions.ts";
import type { JobVerdict } from "./job-verdict.ts";

/** Something to tell about a Job. */
export interface JobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What a Job's status says besides numbers, and what is told when that changes. */
export interface JobOutcome {
  readonly members: Pick<JobStatus, "conditions" | "completionTime">;
  readonly events: readonly JobEvent[];
}

/**
 * The conditions of a Job. One that is to end first says why (`SuccessCriteriaMet`, `FailureTarget`); only when nothing
 * of it is left, `Complete` or `Failed` follows.
 * @param isOver nothing of the Job is left that runs or is to be counted
 */
export function jobConditions(
  job: Job,
  verdict: JobVerdict | undefined,
  isSuspended: boolean,
  isOver: boolean,
  now: string,
): JobOutcome {
  let conditions = job.status?.conditions ?? [];
  const events: JobEvent[] = [];
  const set = (type: string, status: "True" | "False", reason: string, message: string): void => {
    const condition: Condition = { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
    conditions = withCondition(conditions, condition);
  };
  const wasSuspended = findCondition(conditions, "Suspended")?.status === "True";
  if (isSuspended && !wasSuspended) {
    set("Suspended", "True", "JobSuspended", "Job suspended");
    events.push({ type: "Normal", reason: "Suspended", message: "Job suspended" });
  } else if (!isSuspended && wasSuspended && !verdict) {
    set("Suspended", "False", "JobResumed", "Job resumed");
    events.push({ type: "Normal", reason: "Resumed", message: "Job resumed" });
  }
  if (verdict) {
    const { type, reason, message } = verdict;
    const isSuccess = type === "SuccessCriteriaMet";
    set(type, "True", reason, message);
    if (isOver) {
      set(isSuccess ? "Complete" : "Failed", "True", reason, message);
      events.push(
        isSuccess
          ? { type: "Normal", reason: "Completed", message: "Job completed" }
          : { type: "Warning", reason, message },
      );
    }
  }
  const isComplete = isOver && verdict?.type === "SuccessCriteriaMet";
  return {
    members: { ...(conditions.length > 0 ? { conditions } : {}), ...(isComplete ? { completionTime: now } : {}) },
    events,
  };
}
