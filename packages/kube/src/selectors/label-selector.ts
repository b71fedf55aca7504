import type { LabelSelector } from "@skerry/api";
import { badRequest } from "../errors.ts";

/** One condition on a label; all of a selector's must hold. */
export type LabelRequirement =
  | { readonly operator: "In" | "NotIn"; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: "Exists" | "DoesNotExist"; readonly key: string }
  | { readonly operator: "Gt" | "Lt"; readonly key: string; readonly value: number };

/** A label selector ready to match: empty matches everything. */
export type ParsedLabelSelector = readonly LabelRequirement[];

/** Longest selector text that is read, in characters. */
const LONGEST_SELECTOR = 16_384;

const LABEL_KEY =
  /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Whether `text` may be a label's key. */
export function isLabelKey(text: string): boolean {
  return text.length <= 317 && LABEL_KEY.test(text);
}

/** Whether `text` may be a label's value. */
export function isLabelValue(text: string): boolean {
  return LABEL_VALUE.test(text);
}

/**
 * Reads a selector as `kubectl -l` and the `labelSelector` query parameter write it:
 * `app=web,tier!=db,env in (a,b),env notin (c),track,!canary,size>3`.
 * @throws ApiError BadRequest
 */
export function parseLabelSelector(text: string): ParsedLabelSelector {
  if (text.length > LONGEST_SELECTOR) throw badRequest("unable to parse requirement: the selector is too long");
  return splitOutsideParentheses(text).map(parseRequirement);
}

/** Whether labels meet all requirements. An absent label meets `!=` and `notin`, as in Kubernetes. */
export function matchesLabels(
  selector: ParsedLabelSelector,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return selector.every((requirement) => meets(requirement, labels ?? {}));
}

/**
 * A LabelSelector object ready to match. A missing one matches nothing, an empty one everything
 * (metav1.LabelSelectorAsSelector); `null` is the selector that matches nothing.
 * @throws ApiError BadRequest when an expression is malformed
 */
export function labelSelectorRequirements(selector: LabelSelector | undefined | null): ParsedLabelSelector | null {
  if (!selector) return null;
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    operator: "In",
    key,
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    switch (operator) {
      case "In":
      case "NotIn":
        if (values.length === 0) throw badRequest(`for '${operator}' operator, values set can't be empty`);
        requirements.push({ operator, key, values });
        break;
      case "Exists":
      case "DoesNotExist":
        requirements.push({ operator, key });
        break;
      default:
        throw badRequest(`"${String(operator)}" is not a valid label selector operator`);
    }
  }
  return requirements;
}

/** A predicate of a LabelSelector object; a missing selector matches nothing. @throws ApiError BadRequest */
export function labelSelectorPredicate(
  selector: LabelSelector | undefined | null,
): (labels: Readonly<Record<string, string>> | undefined) => boolean {
  const requirements = labelSelectorRequirements(selector);
  if (requirements === null) return () => false;
  return (labels) => matchesLabels(requirements, labels);
}

/** The text form of a selector, as `status.selector` of the scale subresource carries it. */
export function formatLabelSelector(selector: ParsedLabelSelector): string {
  return selector.map(formatRequirement).join(",");
}

function formatRequirement(requirement: LabelRequirement): string {
  switch (requirement.operator) {
    case "In":
    case "NotIn": {
      const [single, ...others] = requirement.values;
      const negated = requirement.operator === "NotIn";
      if (others.length === 0) return `${requirement.key}${negated ? "!=" : "="}${single ?? ""}`;
      return `${requirement.key} ${negated ? "notin" : "in"} (${[...requirement.values].sort().join(",")})`;
    }
    case "Exists":
      return requirement.key;
    case "DoesNotExist":
      return `!${requirement.key}`;
    case "Gt":
      return `${requirement.key}>${requirement.value}`;
    case "Lt":
      return `${requirement.key}<${requirement.value}`;
  }
}

/** Splits at commas outside parentheses and drops empty parts. */
function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= text.length; index++) {
    const character = text[index];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === undefined || (character === "," && depth === 0)) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  if (depth !== 0) throw badRequest(`unable to parse requirement: unbalanced parentheses in "${text.slice(0, 200)}"`);
  return parts.filter((part) => part !== "");
}

function parseRequirement(text: string): LabelRequirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => checkedValue(value.trim()));
    return { operator: operator === "in" ? "In" : "NotIn", key: checkedKey(key), values };
  }
  const comparison = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*([^=!<>\s]*)$/.exec(text);
  if (comparison) {
    const [, key = "", operator = "", value = ""] = comparison;
    if (operator === ">" || operator === "<") {
      if (!/^-?[0-9]{1,15}$/.test(value))
        throw badRequest(`unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer`);
      return { operator: operator === ">" ? "Gt" : "Lt", key: checkedKey(key), value: Number(value) };
    }
    return { operator: operator === "!=" ? "NotIn" : "In", key: checkedKey(key), values: [checkedValue(value)] };
  }
  const existence = /^(!?)\s*([^=!<>()\s]+)$/.exec(text);
  if (existence) {
    const [, negation, key = ""] = existence;
    return { operator: negation === "!" ? "DoesNotExist" : "Exists", key: checkedKey(key) };
  }
  const [, stray] = /^[^=!<>\s]+\s*([!<>=])/.exec(text) ?? [];
  if (stray !== undefined)
    throw badRequest(`unable to parse requirement: found '${stray}', expected: in, notin, =, ==, !=, gt, lt`);
  throw badRequest(`unable to parse requirement: found '${text.slice(0, 200)}', expected: a label requirement`);
}

function checkedKey(key: string): string {
  if (!isLabelKey(key))
    throw badRequest(`unable to parse requirement: key: Invalid value: "${key.slice(0, 200)}": not a label key`);
  return key;
}

function checkedValue(value: string): string {
  if (!isLabelValue(value))
    throw badRequest(
      `unable to parse requirement: values: Invalid value: "${value.slice(0, 200)}": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
    );
  return value;
}

function meets(requirement: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && /^-?[0-9]+$/.test(value) && Number(value) > requirement.value;
    case "Lt":
      return value !== undefined && /^-?[0-9]+$/.test(value) && Number(value) < requirement.value;
  }
}
