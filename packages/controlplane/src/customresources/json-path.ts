import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** One step of a path: a member, an index, every item, or the items whose member has a value. */
type Step =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "every" }
  | { readonly kind: "filter"; readonly path: readonly Step[]; readonly value: string };

/** A printer column's JSONPath, ready to use. Knows `.a.b`, `['a']`, `[0]`, `[*]` and `[?(@.a=="b")]`. */
export type JsonPath = readonly Step[];

/** Reads a JSONPath; undefined when it uses what we do not know. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = [];
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/, "$1")
    .replace(/^\$/, "");
  while (rest !== "") {
    const match =
      /^\.((?:\\.|[^.[\]\\])+)/.exec(rest) ??
      /^\[['"]([^'"]+)['"]\]/.exec(rest) ??
      /^\[(-?\d+)\]/.exec(rest) ??
      /^\[\*\]/.exec(rest) ??
      /^\[\?\(@([^=!<>]+)==\s*['"]?([^'")]*)['"]?\s*\)\]/.exec(rest);
    if (!match) return undefined;
    const [whole, first, second] = match;
    rest = rest.slice(whole.length);
    if (whole === "[*]") steps.push({ kind: "every" });
    else if (whole.startsWith("[?")) {
      const path = parseJsonPath((first ?? "").trim());
      if (!path) return undefined;
      steps.push({ kind: "filter", path, value: second ?? "" });
    } else if (/^\[-?\d+\]$/.test(whole)) steps.push({ kind: "index", index: Number(first) });
    else if (first === "*") steps.push({ kind: "every" });
    else steps.push({ kind: "member", name: (first ?? "").replaceAll(/\\(.)/g, "$1") });
  }
  return steps;
}

/** The values at a path. */
export function valuesAt(path: JsonPath, root: JsonValue): JsonValue[] {
  let values: JsonValue[] = [root];
  for (const step of path) values = values.flatMap((value) => takeStep(step, value));
  return values;
}

function takeStep(step: Step, value: JsonValue): JsonValue[] {
  switch (step.kind) {
    case "member": {
      const member = isJsonObject(value) && Object.hasOwn(value, step.name) ? value[step.name] : undefined;
      return member === undefined ? [] : [member];
    }
    case "index": {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "every":
      return itemsOf(value);
    case "filter":
      return itemsOf(value).filter((item) => valuesAt(step.path, item).some((found) => String(found) === step.value));
  }
}

function itemsOf(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value as Record<string, JsonValue>) : [];
}

/** The first value at a path with dots, e.g. `spec.replicas`. */
export function valueAtPath(object: JsonObject, path: string): JsonValue | undefined {
  let current: JsonValue | undefined = object;
  for (const name of path.split(".")) {
    if (name === "") continue;
    current = isJsonObject(current) ? current[name] : undefined;
  }
  return current;
}
