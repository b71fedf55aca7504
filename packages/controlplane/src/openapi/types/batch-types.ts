import type { TypeTable } from "../type-table.ts";

/** Types of Jobs and CronJobs. */
export const batchTypes: TypeTable = {
  "batch.v1.CronJob":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! batch.v1.CronJobSpec value;3 status batch.v1.CronJobStatus value",
  "batch.v1.CronJobSpec":
    "3 concurrencyPolicy string enum:Allow|Forbid|Replace;7 failedJobsHistoryLimit int32;5 jobTemplate! batch.v1.JobTemplateSpec value;1 schedule! string;2 startingDeadlineSeconds int64;6 successfulJobsHistoryLimit int32;4 suspend bool;8 timeZone string",
  "batch.v1.CronJobStatus":
    "1 active []core.v1.ObjectReference atomic;4 lastScheduleTime time;5 lastSuccessfulTime time",
  "batch.v1.Job":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec batch.v1.JobSpec value;3 status batch.v1.JobStatus value",
  "batch.v1.JobCondition":
    "3 lastProbeTime time;4 lastTransitionTime time;6 message string;5 reason string;2 status! string;1 type! string",
  "batch.v1.JobSpec":
    "3 activeDeadlineSeconds int64;7 backoffLimit int32;12 backoffLimitPerIndex int32;9 completionMode string enum:Indexed|NonIndexed;2 completions int32;15 managedBy string;5 manualSelector bool;13 maxFailedIndexes int32;1 parallelism int32;11 podFailurePolicy batch.v1.PodFailurePolicy;14 podReplacementPolicy string enum:Failed|TerminatingOrFailed;4 selector meta.v1.LabelSelector;16 successPolicy batch.v1.SuccessPolicy;10 suspend bool;6 template! core.v1.PodTemplateSpec value;8 ttlSecondsAfterFinished int32",
  "batch.v1.JobStatus":
    "4 active int32;7 completedIndexes string;3 completionTime time;1 conditions []batch.v1.JobCondition merge:type atomic;6 failed int32;10 failedIndexes string;9 ready int32;2 startTime time;5 succeeded int32;11 terminating int32;8 uncountedTerminatedPods batch.v1.UncountedTerminatedPods",
  "batch.v1.JobTemplateSpec": "1 metadata meta.v1.ObjectMeta value;2 spec batch.v1.JobSpec value",
  "batch.v1.PodFailurePolicy": "1 rules! []batch.v1.PodFailurePolicyRule atomic",
  "batch.v1.PodFailurePolicyOnExitCodesRequirement":
    "1 containerName string;2 operator! string enum:In|NotIn;3 values! []int32 set",
  "batch.v1.PodFailurePolicyOnPodConditionsPattern": "2 status string;1 type! string",
  "batch.v1.PodFailurePolicyRule":
    "1 action! string enum:Count|FailIndex|FailJob|Ignore;2 onExitCodes batch.v1.PodFailurePolicyOnExitCodesRequirement;3 onPodConditions []batch.v1.PodFailurePolicyOnPodConditionsPattern atomic",
  "batch.v1.SuccessPolicy": "1 rules! []batch.v1.SuccessPolicyRule atomic",
  "batch.v1.SuccessPolicyRule": "2 succeededCount int32;1 succeededIndexes string",
  "batch.v1.UncountedTerminatedPods": "2 failed []string set;1 succeeded []string set",
};
