import { isJsonObject, type JsonObject } from "@skerry/base";
import { numberAt, objectAt, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required, tooLong } from "../field-error.ts";

/** Longest text of indexes, in characters, as Kubernetes has it. */
const INDEXES_LIMIT = 64 * 1024;
/** Most rules of one policy, as Kubernetes has it. */
const RULE_LIMIT = 20;

/** What is wrong with a Job's `successPolicy`; it is for Indexed Jobs only. */
export function validateSuccessPolicy(spec: JsonObject, path: string): FieldError[] {
  if (spec["successPolicy"] === undefined) return [];
  const policy = objectAt(spec, "successPolicy");
  const completions = numberAt(spec, "completions");
  if (spec["completionMode"] !== "Indexed" || completions === undefined)
    return [invalidValue(path, policy, "requires indexed completion mode")];
  const rules = Array.isArray(policy["rules"]) ? policy["rules"].filter(isJsonObject) : [];
  if (rules.length === 0)
    return [required(`${path}.rules`, "at least one rules must be specified when the successPolicy is specified")];
  if (rules.length > RULE_LIMIT)
    return [invalidValue(`${path}.rules`, rules.length, `must have at most ${RULE_LIMIT} items`)];
  return rules.flatMap((rule, at) => validateRule(rule, `${path}.rules[${at}]`, completions));
}

function validateRule(rule: JsonObject, path: string, completions: number): FieldError[] {
  const [count, hasIndexes] = [numberAt(rule, "succeededCount"), rule["succeededIndexes"] !== undefined];
  if (count === undefined && !hasIndexes)
    return [required(path, "at least one of succeededCount or succeededIndexes must be specified")];
  const text = textAt(rule, "succeededIndexes");
  if (text.length > INDEXES_LIMIT) return [tooLong(`${path}.succeededIndexes`, INDEXES_LIMIT)];
  const indexes = checkIndexes(text, completions);
  if (typeof indexes === "string")
    return [invalidValue(`${path}.succeededIndexes`, text, `error parsing succeededIndexes: ${indexes}`)];
  if (count === undefined) return [];
  const wrong = (detail: string): FieldError[] => [invalidValue(`${path}.succeededCount`, count, detail)];
  if (count < 0) return wrong("must be greater than or equal to 0");
  if (count > completions)
    return wrong(`must be less than or equal to ${completions} (the number of specified completions)`);
  return hasIndexes && count > indexes
    ? wrong(`must be less than or equal to ${indexes} (the number of indexes in the specified succeededIndexes field)`)
    : [];
}

/** How many indexes the text stands for, or what is wrong with it: its ranges ascend and stay below `completions`. */
function checkIndexes(text: string, completions: number): number | string {
  let [count, previous] = [0, -1];
  for (const part of text === "" ? [] : text.split(",")) {
    const limits = part.split("-");
    if (limits.length > 2)
      return `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`;
    for (const limit of limits) {
      if (!/^\d{1,9}$/.test(limit)) return `cannot convert string to integer for index: "${limit}"`;
      const index = Number(limit);
      if (index >= completions) return `too large index: "${limit}"`;
      if (index <= previous) return `non-increasing order, previous: ${previous}, current: ${index}`;
      previous = index;
    }
    count += limits.length === 2 ? previous - Number(limits[0]) + 1 : 1;
  }
  return count;
}
