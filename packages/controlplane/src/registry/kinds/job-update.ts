import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt } from "../api-object.ts";
import { type FieldError, invalidValue } from "../field-error.ts";

/** What stays as it was made. */
const FIXED = ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];
/** What may change of the pods' template before the first pod is made: where it may run, and what it is called. */
const PLACEMENT = ["affinity", "nodeSelector", "schedulingGates", "tolerations"];

/** What an update of a Job may change. */
export function validateJobUpdate(next: JsonObject, previous: JsonObject): FieldError[] {
  const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
  const isSame = (member: string): boolean => jsonEqual(after[member], before[member]);
  const fixed = (member: string): FieldError => invalidValue(`spec.${member}`, after[member], IMMUTABLE);
  return [
    ...completionsErrors(after, before),
    ...(isSame("selector") ? [] : [fixed("selector")]),
    ...(jsonEqual(after["template"], comparableTemplate(previous, after)) ? [] : [fixed("template")]),
    ...FIXED.filter((member) => !isSame(member)).map(fixed),
  ];
}

const IMMUTABLE = "field is immutable";

/** An Indexed Job is made larger or smaller together with its parallelism. */
function completionsErrors(after: JsonObject, before: JsonObject): FieldError[] {
  const { completions, completionMode, parallelism } = after;
  if (completions === before["completions"]) return [];
  if (completionMode !== "Indexed") return [invalidValue("spec.completions", completions, IMMUTABLE)];
  return completions === parallelism
    ? []
    : [invalidValue("spec.completions", completions, "can only be modified in tandem with spec.parallelism")];
}

/** The template that an update must have: the old one, where it may change with what is new. */
function comparableTemplate(previous: JsonObject, after: JsonObject): JsonObject {
  const template = structuredClone(objectAt(objectAt(previous, "spec"), "template"));
  const isUntouched =
    objectAt(previous, "spec")["suspend"] === true && objectAt(previous, "status")["startTime"] === undefined;
  if (!isUntouched) return template;
  const wanted = objectAt(after, "template");
  take(ensureObject(template, "metadata"), objectAt(wanted, "metadata"), ["annotations", "labels"]);
  take(ensureObject(template, "spec"), objectAt(wanted, "spec"), PLACEMENT);
  return template;
}

function take(to: JsonObject, from: JsonObject, members: readonly string[]): void {
  for (const member of members) {
    const value = from[member];
    if (value === undefined) delete to[member];
    else to[member] = value;
  }
}
