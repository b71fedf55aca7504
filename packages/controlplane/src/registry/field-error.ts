/** One wrong member of an object, worded as Kubernetes words it. */
export interface FieldError {
  readonly reason: string;
  /** Path from the object's root, e.g. `spec.containers[0].image`. */
  readonly field: string;
  readonly message: string;
}

/** The member must be there. */
export function required(field: string, detail = ""): FieldError {
  return {
    reason: "FieldValueRequired",
    field,
    message: detail === "" ? "Required value" : `Required value: ${detail}`,
  };
}

/** The member's value cannot be used. */
export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${shown(value)}: ${detail}` };
}

/** The member's value is none of those that are known. */
export function notSupported(field: string, value: unknown, allowed: readonly string[]): FieldError {
  const list = allowed.map((text) => JSON.stringify(text)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${shown(value)}: supported values: ${list}`,
  };
}

/** The member must not be set, or must not be changed. */
export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: "FieldValueForbidden", field, message: `Forbidden: ${detail}` };
}

/** Two list items have the same key. */
export function duplicate(field: string, value: unknown): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${shown(value)}` };
}

/** The text or list is too long. */
export function tooLong(field: string, limit: number): FieldError {
  return { reason: "FieldValueTooLong", field, message: `Too long: may not be more than ${limit} bytes` };
}

/** The list has too many items. */
export function tooMany(field: string, count: number, limit: number): FieldError {
  return { reason: "FieldValueTooMany", field, message: `Too many: ${count}: must have at most ${limit} items` };
}

/** The member refers to something that is not there. */
export function fieldNotFound(field: string, value: unknown): FieldError {
  return { reason: "FieldValueNotFound", field, message: `Not found: ${shown(value)}` };
}

/** Longest value quoted in a message, in characters. */
const SHOWN_LIMIT = 2_000;

/** A value in an error message; long ones are cut. */
function shown(value: unknown): string {
  if (typeof value === "string" && value.length > SHOWN_LIMIT) return JSON.stringify(`${value.slice(0, SHOWN_LIMIT)}…`);
  const text = JSON.stringify(value) ?? "null";
  return text.length > 2 * SHOWN_LIMIT ? `${text.slice(0, SHOWN_LIMIT)}…` : text;
}

/** `path.member`, or just `member` at the root. */
export function child(path: string, member: string): string {
  return path === "" ? member : `${path}.${member}`;
}
