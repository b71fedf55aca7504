import { badRequest } from "../errors.ts";

/** One condition on a field; all of a selector's must hold. */
export interface FieldRequirement {
  /** Path with dots, e.g. `spec.nodeName`. */
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** A field selector ready to match: empty matches everything. */
export type ParsedFieldSelector = readonly FieldRequirement[];

/**
 * Reads a field selector, e.g. `metadata.name=a,status.phase!=Running`; `\` escapes `,`, `=` and itself in values.
 * Which fields a kind allows is the server's to check.
 * @throws ApiError BadRequest
 */
export function parseFieldSelector(text: string): ParsedFieldSelector {
  return splitUnescaped(text).map((part) => {
    const match = /^([^=!\\]+?)(!=|==|=)(.*)$/s.exec(part);
    if (!match) throw badRequest(`invalid selector: '${text.slice(0, 200)}'; can't understand '${part.slice(0, 200)}'`);
    const [, field = "", operator, value = ""] = match;
    return { field: field.trim(), operator: operator === "!=" ? "!=" : "=", value: unescapeValue(value, text) };
  });
}

/** The text of a selector for objects that have the value in the field, e.g. to be put in front of another one's text. */
export function fieldIs(field: string, value: string): string {
  return `${field}=${value.replace(/[\\,=]/g, "\\$&")}`;
}

/** Whether the object's fields meet all requirements; an absent field counts as the empty text. */
export function matchesFields(selector: ParsedFieldSelector, object: object): boolean {
  return selector.every(({ field, operator, value }) => (fieldText(object, field) === value) === (operator === "="));
}

/** The text of the field at a path with dots; empty when absent or not a plain value. */
export function fieldText(object: object, path: string): string {
  let current: unknown = object;
  for (const member of path.split(".")) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, member)) return "";
    current = (current as Record<string, unknown>)[member];
  }
  return typeof current === "string" || typeof current === "number" || typeof current === "boolean"
    ? String(current)
    : "";
}

function splitUnescaped(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (character === "\\") {
      part += character + (text[index + 1] ?? "");
      index++;
    } else if (character === ",") {
      parts.push(part);
      part = "";
    } else part += character;
  }
  parts.push(part);
  return parts.filter((item) => item !== "");
}

function unescapeValue(value: string, whole: string): string {
  return value.replace(/\\(.?)|=/gs, (sequence, escaped: string | undefined) => {
    if (escaped !== undefined && [",", "=", "\\"].includes(escaped)) return escaped;
    throw badRequest(`invalid field selector '${whole.slice(0, 200)}': '${sequence}' must be escaped with '\\'`);
  });
}
