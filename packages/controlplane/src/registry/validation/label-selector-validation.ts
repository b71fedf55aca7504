import type { JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { labelErrors, labelValueRule, nameErrors, qualifiedNameRule } from "./name-rules.ts";

/** Rules of a LabelSelector. */
export function validateLabelSelector(selector: JsonObject, path: string): FieldError[] {
  return [
    ...labelErrors(objectAt(selector, "matchLabels"), `${path}.matchLabels`),
    ...objectsIn(selector["matchExpressions"]).flatMap((expression, index) =>
      validateRequirement(expression, `${path}.matchExpressions[${index}]`),
    ),
  ];
}

function validateRequirement(requirement: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const operator = textAt(requirement, "operator");
  const values = requirementValues(requirement);
  errors.push(...operatorErrors(operator, values, path));
  if (!isSetOperator(operator) && operator !== "")
    errors.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
  errors.push(...nameErrors(qualifiedNameRule, `${path}.key`, textAt(requirement, "key")));
  for (const [index, value] of values.entries())
    errors.push(...nameErrors(labelValueRule, `${path}.values[${index}]`, value));
  return errors;
}

/** The values of a requirement on labels. */
export function requirementValues(requirement: JsonObject): string[] {
  return Array.isArray(requirement["values"]) ? requirement["values"].map(String) : [];
}

/** Whether the operator is one of those that any selector knows. */
export function isSetOperator(operator: string): boolean {
  return ["In", "NotIn", "Exists", "DoesNotExist"].includes(operator);
}

/** How many values such an operator takes. */
export function operatorErrors(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return [];
  }
}
