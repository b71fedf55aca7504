import { isJsonObject, type JsonObject } from "@skerry/base";
import { cronJobColumns, jobColumns } from "../../table/batch-columns.ts";
import { ensureObject, numberAt, objectAt, setDefault, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { notNegative } from "../validation/number-rules.ts";
import { cronScheduleError } from "./cron-schedule-check.ts";
import { validateJobUpdate } from "./job-update.ts";
import type { KindEntry } from "./kind-entry.ts";
import { applyPodSpecDefaults } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-validation.ts";
import { validateSuccessPolicy } from "./success-policy.ts";

/** Labels that tie a Job's pods to it; the short ones are from before there was a prefix. */
const CONTROLLER_UID = "batch.kubernetes.io/controller-uid";
const JOB_NAME = "batch.kubernetes.io/job-name";

/** The back-off limit of a Job whose indexes have one each. */
const NO_LIMIT = 2_147_483_647;

/** So that the names of its Jobs, which have 11 characters more, still fit a label. */
const LONGEST_CRON_JOB_NAME = 52;

/** batch/v1 Job: gets a selector of its own, by its UID. */
export const jobStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  selectableFields: ["status.successful"],
  applyDefaults(job) {
    const spec = ensureObject(job, "spec");
    applyJobSpecDefaults(spec);
    if (spec["completions"] === undefined && spec["parallelism"] === undefined) spec["completions"] = 1;
    setDefault(spec, "parallelism", 1);
    setDefault(spec, "backoffLimit", spec["backoffLimitPerIndex"] === undefined ? 6 : NO_LIMIT);
    setDefault(spec, "completionMode", "NonIndexed");
    setDefault(spec, "suspend", false);
    setDefault(spec, "podReplacementPolicy", "TerminatingOrFailed");
    setDefault(spec, "manualSelector", false);
  },
  prepareForCreate(job) {
    job["status"] = {};
    const spec = ensureObject(job, "spec");
    if (spec["manualSelector"] === true) return;
    const metadata = ensureObject(job, "metadata");
    const [uid, name] = [textAt(metadata, "uid"), textAt(metadata, "name")];
    const labels = ensureObject(ensureObject(ensureObject(spec, "template"), "metadata"), "labels");
    Object.assign(labels, { [CONTROLLER_UID]: uid, [JOB_NAME]: name, "controller-uid": uid, "job-name": name });
    spec["selector"] = { matchLabels: { [CONTROLLER_UID]: uid } };
    // Without labels of its own a Job has those of its pods.
    const own = ensureObject(metadata, "labels");
    if (Object.keys(own).length === 0) Object.assign(own, labels);
  },
  validate: (job) => validateJobSpec(objectAt(job, "spec"), "spec"),
  validateUpdate: validateJobUpdate,
};

/** batch/v1 CronJob. */
export const cronJobStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  applyDefaults(cronJob) {
    const spec = ensureObject(cronJob, "spec");
    setDefault(spec, "concurrencyPolicy", "Allow");
    setDefault(spec, "suspend", false);
    setDefault(spec, "successfulJobsHistoryLimit", 3);
    setDefault(spec, "failedJobsHistoryLimit", 1);
    applyJobSpecDefaults(ensureObject(ensureObject(spec, "jobTemplate"), "spec"));
  },
  prepareForCreate(cronJob) {
    cronJob["status"] = {};
  },
  validate(cronJob) {
    const spec = objectAt(cronJob, "spec");
    const schedule = textAt(spec, "schedule");
    const problem = schedule === "" ? undefined : cronScheduleError(schedule);
    const zone = textAt(spec, "timeZone");
    return [
      ...(schedule === "" ? [required("spec.schedule")] : []),
      ...(problem === undefined ? [] : [invalidValue("spec.schedule", schedule, problem)]),
      ...notNegative(spec, "spec", ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"]),
      ...(zone === "" || isTimeZone(zone) ? [] : [invalidValue("spec.timeZone", zone, `unknown time zone ${zone}`)]),
      ...validateJobSpec(objectAt(objectAt(spec, "jobTemplate"), "spec"), "spec.jobTemplate.spec"),
    ];
  },
  validateCreate(cronJob) {
    const name = textAt(objectAt(cronJob, "metadata"), "name");
    const problem = `must be no more than ${LONGEST_CRON_JOB_NAME} characters`;
    return name.length > LONGEST_CRON_JOB_NAME ? [invalidValue("metadata.name", name, problem)] : [];
  },
};

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function applyJobSpecDefaults(spec: JsonObject): void {
  const template = ensureObject(spec, "template");
  setDefault(template, "metadata", {});
  if (isJsonObject(template["spec"])) applyPodSpecDefaults(template["spec"]);
}

function validateJobSpec(spec: JsonObject, path: string): FieldError[] {
  const errors = notNegative(spec, path, [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ]);
  if (spec["completionMode"] === "Indexed" && numberAt(spec, "completions") === undefined)
    errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  errors.push(...validateSuccessPolicy(spec, `${path}.successPolicy`));
  const pod = objectAt(objectAt(spec, "template"), "spec");
  errors.push(...validatePodSpec(pod, `${path}.template.spec`));
  const policy = textAt(pod, "restartPolicy");
  if (policy === "Always")
    errors.push(notSupported(`${path}.template.spec.restartPolicy`, policy, ["OnFailure", "Never"]));
  if (spec["manualSelector"] !== true && spec["selector"] !== undefined && path !== "spec")
    errors.push(forbiddenField(`${path}.selector`, "`selector` will be auto-generated"));
  return errors;
}

/** Kinds of batch/v1. */
export const batchKinds: readonly KindEntry[] = [
  { group: "batch", resource: "jobs", kind: "Job", categories: ["all"], strategy: jobStrategy, columns: jobColumns },
  {
    group: "batch",
    resource: "cronjobs",
    kind: "CronJob",
    shortNames: ["cj"],
    categories: ["all"],
    strategy: cronJobStrategy,
    columns: cronJobColumns,
  },
];
