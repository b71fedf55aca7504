import type { ResourceReference } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { asJsonObject, numberAt, objectAt, setDefault, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue } from "../field-error.ts";
import type { KindStrategy, WriteScope } from "../resource-definition.ts";
import { forbidden } from "../status-errors.ts";
import { plainStrategy } from "./core.ts";

const PRIORITY_CLASSES = "scheduling.k8s.io/priorityclasses";
const REFERENCE: ResourceReference = {
  group: "scheduling.k8s.io",
  version: "v1",
  resource: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false,
};
const PREEMPTION_POLICY = "PreemptLowerPriority";
const HIGHEST = 1_000_000_000;
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

/** scheduling.k8s.io/v1 PriorityClass: stays as important as it was made. */
export const priorityClassStrategy: KindStrategy = {
  ...plainStrategy,
  applyDefaults: (priorityClass) => setDefault(priorityClass, "preemptionPolicy", PREEMPTION_POLICY),
  prepareForCreate: (next, scope) => checkOnlyDefault(next, scope),
  prepareForUpdate: (next, _previous, scope) => checkOnlyDefault(next, scope),
  validate(priorityClass) {
    const name = textAt(objectAt(priorityClass, "metadata"), "name");
    const value = numberAt(priorityClass, "value") ?? 0;
    if (name.startsWith("system-")) return systemClassErrors(name, value);
    return value > HIGHEST
      ? [forbiddenField("value", `maximum allowed value of a user defined priority is ${HIGHEST}`)]
      : [];
  },
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    if ((next["value"] ?? 0) !== (previous["value"] ?? 0))
      errors.push(forbiddenField("value", "may not be changed in an update."));
    // Those that were stored before there was a default have none.
    if (next["preemptionPolicy"] !== (previous["preemptionPolicy"] ?? PREEMPTION_POLICY))
      errors.push(invalidValue("preemptionPolicy", next["preemptionPolicy"], "field is immutable"));
    return errors;
  },
};

function systemClassErrors(name: string, value: number): FieldError[] {
  const known = SYSTEM_CLASSES.get(name);
  if (known === value) return [];
  const reason =
    known === undefined
      ? `${name} is not a known system priority class`
      : `value of ${name} PriorityClass must be ${known}`;
  return [
    forbiddenField(
      "metadata.name",
      `priority class names with 'system-' prefix are reserved for system use only. error: ${reason}`,
    ),
  ];
}

/** @throws ApiError Forbidden when another class is already what pods without one get */
function checkOnlyDefault(priorityClass: JsonObject, { session }: WriteScope): void {
  if (priorityClass["globalDefault"] !== true) return;
  const name = textAt(objectAt(priorityClass, "metadata"), "name");
  const other = session
    .list(PRIORITY_CLASSES)
    .find((each) => asJsonObject(each)["globalDefault"] === true && each.metadata.name !== name);
  if (other)
    throw forbidden(
      REFERENCE,
      name,
      `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
    );
}
