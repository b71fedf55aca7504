import { isJsonObject, type JsonObject } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import {
  isSetOperator,
  operatorErrors,
  requirementValues,
  validateLabelSelector,
} from "./label-selector-validation.ts";
import { labelErrors, labelValueRule, nameErrors, qualifiedNameRule } from "./name-rules.ts";

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

/** Rules of what in a pod spec says where it may go. */
export function validateScheduling(spec: JsonObject, path: string): FieldError[] {
  return [
    ...labelErrors(objectAt(spec, "nodeSelector"), `${path}.nodeSelector`),
    ...validateAffinity(objectAt(spec, "affinity"), `${path}.affinity`),
    ...validateTolerations(spec["tolerations"], `${path}.tolerations`),
    ...objectsIn(spec["topologySpreadConstraints"]).flatMap((constraint, index) =>
      validateSpread(constraint, `${path}.topologySpreadConstraints[${index}]`),
    ),
  ];
}

/** Rules of tolerations, of a pod or of a RuntimeClass. */
export function validateTolerations(tolerations: JsonObject[string], path: string): FieldError[] {
  return objectsIn(tolerations).flatMap((toleration, index) => validateToleration(toleration, `${path}[${index}]`));
}

function validateToleration(toleration: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const [key, operator, value] = ["key", "operator", "value"].map((member) => textAt(toleration, member));
  const effect = textAt(toleration, "effect");
  if (key !== undefined && key !== "") errors.push(...nameErrors(qualifiedNameRule, `${path}.key`, key));
  else if (operator !== "Exists")
    errors.push(
      invalidValue(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  if (toleration["tolerationSeconds"] !== undefined && effect !== "NoExecute")
    errors.push(invalidValue(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  if (operator === "Exists" && value !== "")
    errors.push(invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  if (operator === "" || operator === "Equal")
    errors.push(...nameErrors(labelValueRule, `${path}.operator`, value ?? ""));
  return errors;
}

/** Rules of a NodeSelector: of a pod that needs such a node, of a volume that is on one. */
export function validateNodeSelector(selector: JsonObject, path: string): FieldError[] {
  const terms = objectsIn(selector["nodeSelectorTerms"]);
  if (terms.length === 0) return [required(`${path}.nodeSelectorTerms`, "must have at least one node selector term")];
  return terms.flatMap((term, index) => validateNodeTerm(term, `${path}.nodeSelectorTerms[${index}]`));
}

function validateAffinity(affinity: JsonObject, path: string): FieldError[] {
  const node = objectAt(affinity, "nodeAffinity");
  const needed = node[REQUIRED];
  return [
    ...(isJsonObject(needed) ? validateNodeSelector(needed, `${path}.nodeAffinity.${REQUIRED}`) : []),
    ...objectsIn(node[PREFERRED]).flatMap((preferred, index) => {
      const at = `${path}.nodeAffinity.${PREFERRED}[${index}]`;
      return [
        ...weightErrors(preferred, at),
        ...validateNodeTerm(objectAt(preferred, "preference"), `${at}.preference`),
      ];
    }),
    ...["podAffinity", "podAntiAffinity"].flatMap((member) =>
      validatePodAffinity(objectAt(affinity, member), `${path}.${member}`),
    ),
  ];
}

function validateNodeTerm(term: JsonObject, path: string): FieldError[] {
  return objectsIn(term["matchExpressions"]).flatMap((requirement, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    const operator = textAt(requirement, "operator");
    const values = requirementValues(requirement);
    const isNumeric = operator === "Gt" || operator === "Lt";
    return [
      ...operatorErrors(operator, values, at),
      ...(isNumeric && values.length !== 1
        ? [required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
        : []),
      ...(isNumeric || operator === "" || isSetOperator(operator)
        ? []
        : [invalidValue(`${at}.operator`, operator, "not a valid selector operator")]),
      ...nameErrors(qualifiedNameRule, `${at}.key`, textAt(requirement, "key")),
    ];
  });
}

function validatePodAffinity(affinity: JsonObject, path: string): FieldError[] {
  return [
    ...objectsIn(affinity[REQUIRED]).flatMap((term, index) => validatePodTerm(term, `${path}.${REQUIRED}[${index}]`)),
    ...objectsIn(affinity[PREFERRED]).flatMap((preferred, index) => {
      const at = `${path}.${PREFERRED}[${index}]`;
      const term = objectAt(preferred, "podAffinityTerm");
      return [...weightErrors(preferred, at), ...validatePodTerm(term, `${at}.podAffinityTerm`)];
    }),
  ];
}

function validatePodTerm(term: JsonObject, path: string): FieldError[] {
  const topologyKey = textAt(term, "topologyKey");
  return [
    ...["labelSelector", "namespaceSelector"].flatMap((member) =>
      validateLabelSelector(objectAt(term, member), `${path}.${member}`),
    ),
    // An empty one is told by the type table.
    ...(topologyKey === "" ? [] : nameErrors(qualifiedNameRule, `${path}.topologyKey`, topologyKey)),
  ];
}

function weightErrors(preferred: JsonObject, path: string): FieldError[] {
  const weight = numberAt(preferred, "weight");
  return weight !== undefined && (weight < 1 || weight > 100)
    ? [invalidValue(`${path}.weight`, weight, "must be in the range 1-100")]
    : [];
}

function validateSpread(constraint: JsonObject, path: string): FieldError[] {
  const [skew, domains] = [numberAt(constraint, "maxSkew"), numberAt(constraint, "minDomains")];
  return [
    ...(skew !== undefined && skew <= 0 ? [invalidValue(`${path}.maxSkew`, skew, "must be greater than zero")] : []),
    ...(domains !== undefined && domains <= 0
      ? [invalidValue(`${path}.minDomains`, domains, "must be greater than zero")]
      : []),
    ...validateLabelSelector(objectAt(constraint, "labelSelector"), `${path}.labelSelector`),
  ];
}
