import type { KubernetesObject } from "../kubernetes/meta.ts";

/**
 * Whose wanted value counts when the Device and a client on the node both set one: `newest` the one that was set last,
 * `cloud` the Device's as long as it has one, `edge` the client's until it takes it back.
 */
export type ConflictRule = "newest" | "cloud" | "edge";
/** How often a wanted value may take effect on the device, when a crash leaves open whether it has. */
export type EffectRule = "at-least-once" | "at-most-once";

/** What is declared of one property. */
export interface TwinRules {
  readonly conflict: ConflictRule;
  readonly effect: EffectRule;
}

/**
 * Annotations of a Device, or of its DeviceModel for all its devices: a rule for all properties, then exceptions, as in
 * `newest, valve=cloud`.
 */
export const CONFLICT_ANNOTATION = "skerry.io/conflict";
export const EFFECT_ANNOTATION = "skerry.io/effect";

const CONFLICT_RULES: readonly ConflictRule[] = ["newest", "cloud", "edge"];
const EFFECT_RULES: readonly EffectRule[] = ["at-least-once", "at-most-once"];

/** What holds for each property; what the Device says goes before its model, a word that is no rule counts for nothing. */
export function readTwinRules(device: KubernetesObject, model?: KubernetesObject): (property: string) => TwinRules {
  const conflict = [device, model].map((object) => rulesIn(object, CONFLICT_ANNOTATION, CONFLICT_RULES));
  const effect = [device, model].map((object) => rulesIn(object, EFFECT_ANNOTATION, EFFECT_RULES));
  return (property) => ({
    conflict: ruleFor(conflict, property) ?? "newest",
    effect: ruleFor(effect, property) ?? "at-least-once",
  });
}

/** Words in the annotations that are no rule, each with what there is. */
export function wrongTwinRules(object: KubernetesObject): string[] {
  return [...wrongIn(object, CONFLICT_ANNOTATION, CONFLICT_RULES), ...wrongIn(object, EFFECT_ANNOTATION, EFFECT_RULES)];
}

function ruleFor<T>(rules: readonly ReadonlyMap<string, T>[], property: string): T | undefined {
  const found = rules.find((each) => each.has(property)) ?? rules.find((each) => each.has(""));
  return found?.get(property) ?? found?.get("");
}

/** By property; the rule for all others under "". */
function rulesIn<T extends string>(
  object: KubernetesObject | undefined,
  annotation: string,
  known: readonly T[],
): ReadonlyMap<string, T> {
  const rules = new Map<string, T>();
  for (const { property, word } of wordsOf(object, annotation)) {
    const rule = known.find((each) => each === word);
    if (rule !== undefined) rules.set(property, rule);
  }
  return rules;
}

function wrongIn(object: KubernetesObject, annotation: string, known: readonly string[]): string[] {
  return wordsOf(object, annotation)
    .filter(({ word }) => !known.includes(word))
    .map(({ word }) => `${JSON.stringify(word.slice(0, 40))} in ${annotation} is none of ${known.join(", ")}`);
}

function wordsOf(
  object: KubernetesObject | undefined,
  annotation: string,
): { readonly property: string; readonly word: string }[] {
  const text = object?.metadata.annotations?.[annotation] ?? "";
  return text.split(",").flatMap((part) => {
    const [left = "", right] = part.split("=", 2).map((word) => word.trim());
    if (right !== undefined) return [{ property: left, word: right }];
    return left === "" ? [] : [{ property: "", word: left }];
  });
}
