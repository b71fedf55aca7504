/** Finalizer that keeps a pod until its Job has counted it. */
export const JOB_TRACKING = "batch.kubernetes.io/job-tracking";
/** Which part of an Indexed Job a pod does; a label and an annotation. */
export const COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index";
/** How often a pod's index had failed before it. */
export const INDEX_FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count";
/** What a Job sets in `managedBy` when the built-in controller is to work on it. */
export const JOB_CONTROLLER = "kubernetes.io/job-controller";
