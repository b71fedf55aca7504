import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { numberAt, objectAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { notNegative } from "./number-rules.ts";

const PERCENT_RULE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** How a Deployment replaces its pods. */
export function validateDeploymentRollout(spec: JsonObject): FieldError[] {
  const strategy = objectAt(spec, "strategy");
  const errors: FieldError[] = [];
  const at = "spec.strategy.rollingUpdate";
  const rolling = strategy["rollingUpdate"];
  if (strategy["type"] === "Recreate" && isJsonObject(rolling))
    errors.push(forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'"));
  else if (isJsonObject(rolling)) {
    const { maxUnavailable, maxSurge } = rolling;
    errors.push(...amountErrors(`${at}.maxUnavailable`, maxUnavailable), ...amountErrors(`${at}.maxSurge`, maxSurge));
    if (isZero(maxUnavailable) && isZero(maxSurge))
      errors.push(invalidValue(`${at}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
    errors.push(...shareErrors(`${at}.maxUnavailable`, maxUnavailable));
  }
  const deadline = numberAt(spec, "progressDeadlineSeconds");
  errors.push(...notNegative(spec, "spec", ["progressDeadlineSeconds"]));
  if (deadline !== undefined && deadline <= (numberAt(spec, "minReadySeconds") ?? 0))
    errors.push(invalidValue("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  return errors;
}

/** How a DaemonSet replaces its pods. */
export function validateDaemonSetRollout(spec: JsonObject): FieldError[] {
  const strategy = objectAt(spec, "updateStrategy");
  const rolling = strategy["rollingUpdate"];
  if (strategy["type"] !== "RollingUpdate" || !isJsonObject(rolling)) return [];
  const at = "spec.updateStrategy.rollingUpdate";
  const { maxUnavailable, maxSurge } = rolling;
  const errors = [maxUnavailable, maxSurge].flatMap((amount, index) => {
    const path = `${at}.${index === 0 ? "maxUnavailable" : "maxSurge"}`;
    return [...amountErrors(path, amount), ...shareErrors(path, amount)];
  });
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  else if (!isZero(maxUnavailable) && !isZero(maxSurge))
    errors.push(invalidValue(`${at}.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  return errors;
}

/** How a StatefulSet replaces and numbers its pods. */
export function validateStatefulSetRollout(spec: JsonObject): FieldError[] {
  const strategy = objectAt(spec, "updateStrategy");
  const rolling = strategy["rollingUpdate"];
  const at = "spec.updateStrategy";
  return [
    ...(strategy["type"] === "OnDelete" && isJsonObject(rolling)
      ? [invalidValue(`${at}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'")]
      : []),
    ...notNegative(objectAt(strategy, "rollingUpdate"), `${at}.rollingUpdate`, ["partition"]),
    ...notNegative(objectAt(spec, "ordinals"), "spec.ordinals", ["start"]),
  ];
}

/** A number of pods, or a share of them. */
export function amountErrors(path: string, amount: JsonValue | undefined): FieldError[] {
  if (typeof amount === "string") return /^[0-9]+%$/.test(amount) ? [] : [invalidValue(path, amount, PERCENT_RULE)];
  return typeof amount === "number" && amount < 0
    ? [invalidValue(path, amount, "must be greater than or equal to 0")]
    : [];
}

/** A share of the pods is one of all of them at most. */
export function shareErrors(path: string, amount: JsonValue | undefined): FieldError[] {
  const isTooMuch = typeof amount === "string" && /^[0-9]+%$/.test(amount) && Number.parseInt(amount, 10) > 100;
  return isTooMuch ? [invalidValue(path, amount, "must not be greater than 100%")] : [];
}

function isZero(amount: JsonValue | undefined): boolean {
  return Number.parseInt(String(amount ?? 0), 10) === 0;
}
