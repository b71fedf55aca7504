import { ageOf, humanDuration, type JsonObject, type JsonValue } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { age, name, selectorOf, spec, status, templateWide } from "./common-columns.ts";
import { column, type TableColumn } from "./table-column.ts";

/** Columns of `kubectl get jobs`. */
export const jobColumns: readonly TableColumn[] = [
  name,
  column("Status", jobState),
  column("Completions", (job) => {
    const done = numberAt(status(job), "succeeded") ?? 0;
    const wanted = numberAt(spec(job), "completions");
    if (wanted !== undefined) return `${done}/${wanted}`;
    const parallelism = numberAt(spec(job), "parallelism") ?? 1;
    return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
  }),
  column("Duration", (job, nowMs) => {
    const start = textAt(status(job), "startTime");
    if (start === "") return "";
    const end = textAt(status(job), "completionTime");
    return humanDuration((end === "" ? nowMs : Date.parse(end)) - Date.parse(start));
  }),
  age,
  ...templateWide(spec),
  selectorOf((job) => objectAt(spec(job), "selector")),
];

function jobState(job: JsonObject): string {
  const holds = (type: string): boolean =>
    objectsIn(status(job)["conditions"]).some((each) => each["type"] === type && each["status"] === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (textAt(objectAt(job, "metadata"), "deletionTimestamp") !== "") return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  return holds("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

const jobSpec = (cronJob: JsonObject): JsonObject => objectAt(objectAt(spec(cronJob), "jobTemplate"), "spec");

/** Columns of `kubectl get cronjobs`. */
export const cronJobColumns: readonly TableColumn[] = [
  name,
  column("Schedule", (cronJob) => textAt(spec(cronJob), "schedule")),
  column("Timezone", (cronJob) => textAt(spec(cronJob), "timeZone") || "<none>"),
  // The real API server answers with a text, whatever the column's type says.
  column("Suspend", (cronJob): JsonValue => (spec(cronJob)["suspend"] === true ? "True" : "False"), "boolean"),
  column("Active", (cronJob) => objectsIn(status(cronJob)["active"]).length, "integer"),
  column("Last Schedule", (cronJob, nowMs) => {
    const last = status(cronJob)["lastScheduleTime"];
    return last === undefined ? "<none>" : ageOf(last, nowMs);
  }),
  age,
  ...templateWide(jobSpec),
  selectorOf((cronJob) => objectAt(jobSpec(cronJob), "selector")),
];
