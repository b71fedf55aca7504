import type { JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { containerResourceNameErrors, type ResourceAmount, resourceAmounts } from "./resource-validation.ts";

const TYPES = ["Container", "Pod", "PersistentVolumeClaim"];
const ONE = 1_000_000_000n;

/** Rules of a LimitRange's spec: bounds that leave something between them, and defaults that lie there. */
export function validateLimitRange(spec: JsonObject, path: string): FieldError[] {
  const types = new Set<string>();
  return objectsIn(spec["limits"]).flatMap((limit, index) => {
    const at = `${path}.limits[${index}]`;
    const type = textAt(limit, "type");
    const errors: FieldError[] = [];
    if (type !== "" && !type.includes("/") && !TYPES.includes(type))
      errors.push(invalidValue(`${at}.type`, type, "must be a standard limit type or fully qualified"));
    if (types.has(type)) errors.push(duplicate(`${at}.type`, type));
    types.add(type);
    return [...errors, ...memberErrors(limit, type, at), ...validateBounds(limit, at)];
  });
}

function memberErrors(limit: JsonObject, type: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (type === "Pod")
    for (const member of ["default", "defaultRequest"])
      if (Object.keys(objectAt(limit, member)).length > 0)
        errors.push(forbiddenField(`${path}.${member}`, "may not be specified when `type` is 'Pod'"));
  if (type === "Pod" || type === "Container")
    for (const member of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"])
      for (const name of Object.keys(objectAt(limit, member)))
        errors.push(...containerResourceNameErrors(name, `${path}.${member}[${name}]`));
  const isBounded = ["min", "max"].some((member) => objectAt(limit, member)["storage"] !== undefined);
  if (type === "PersistentVolumeClaim" && !isBounded)
    errors.push(
      required(`${path}.limits`, "either minimum or maximum storage value is required, but neither was provided"),
    );
  return errors;
}

function validateBounds(limit: JsonObject, path: string): FieldError[] {
  const amountsOf = (member: string): Map<string, ResourceAmount> =>
    new Map(resourceAmounts(objectAt(limit, member)).map((amount) => [amount.name, amount]));
  const [min, max, standard, request] = ["min", "max", "default", "defaultRequest"].map(amountsOf);
  const errors: FieldError[] = [];
  const compare = (
    less: Map<string, ResourceAmount> | undefined,
    more: Map<string, ResourceAmount> | undefined,
    member: string,
    [lessName, moreName]: readonly [string, string],
    shown: "less" | "more",
  ): void => {
    for (const [name, low] of less ?? []) {
      const high = more?.get(name);
      if (high && low.nano > high.nano)
        errors.push(
          invalidValue(
            `${path}.${member}[${name}]`,
            (shown === "less" ? low : high).text,
            `${lessName} ${low.text} is greater than ${moreName} ${high.text}`,
          ),
        );
    }
  };
  compare(min, max, "min", ["min value", "max value"], "less");
  compare(min, request, "defaultRequest", ["min value", "default request value"], "more");
  compare(request, max, "defaultRequest", ["default request value", "max value"], "less");
  compare(request, standard, "defaultRequest", ["default request value", "default limit value"], "less");
  compare(min, standard, "default", ["min value", "default value"], "less");
  compare(standard, max, "default", ["default value", "max value"], "more");
  for (const [name, ratio] of amountsOf("maxLimitRequestRatio"))
    if (ratio.nano < ONE)
      errors.push(
        invalidValue(`${path}.maxLimitRequestRatio[${name}]`, ratio.text, `ratio ${ratio.text} is less than 1`),
      );
  return errors;
}
