import { Environment } from "@marcbachmann/cel-js";
import { fromBase64, isJsonObject, type JsonValue } from "@skerry/base";
import { objectAt } from "../registry/api-object.ts";

/** A value as CEL sees it: integers, times, durations, bytes and sets where the schema says so. */
export type CelValue = unknown;

/** Words of CEL; members of these names are reached as `__word__`. */
const KEYWORDS: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

const READ_DURATION = new Environment().registerVariable("text", "string").parse("duration(text)");

/** CEL tells integers from other numbers, texts from times, JSON does not. Members are named as rules must name them. */
export function celValue(schema: JsonValue | undefined, value: JsonValue): CelValue {
  const known = isJsonObject(schema) ? schema : {};
  if (typeof value === "number") {
    const isWhole = known["type"] === "integer" || known["x-kubernetes-int-or-string"] === true;
    return isWhole && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (typeof value === "string") return celText(known["format"], value);
  if (Array.isArray(value)) {
    const items = value.map((item) => celValue(known["items"], item));
    const isSet = known["x-kubernetes-list-type"] === "set" && !value.some((item) => typeof item === "object");
    return isSet ? new Set(items) : items;
  }
  if (!isJsonObject(value)) return value;
  const properties = objectAt(known, "properties");
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) =>
      Object.hasOwn(properties, name)
        ? [escapedName(name), celValue(properties[name], member ?? null)]
        : [name, celValue(known["additionalProperties"], member ?? null)],
    ),
  );
}

/** The name under which rules reach a member. */
export function escapedName(name: string): string {
  if (KEYWORDS.has(name)) return `__${name}__`;
  return name.replaceAll(/__|[.\-/]/g, (part) => ESCAPES[part] ?? part);
}

function celText(format: JsonValue | undefined, text: string): CelValue {
  switch (format) {
    case "date":
    case "date-time": {
      const time = new Date(text);
      return Number.isNaN(time.getTime()) ? text : time;
    }
    case "duration":
      return durationOf(text);
    case "byte":
      return fromBase64(text);
    default:
      return text;
  }
}

/** The library's own reading of a duration; the text itself when it is none. */
function durationOf(text: string): CelValue {
  try {
    return READ_DURATION({ text });
  } catch {
    return text;
  }
}
