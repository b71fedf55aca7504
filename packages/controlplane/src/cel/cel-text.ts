/** A value as `%s` and `string()` write it. */
export function celText(value: unknown): string {
  if (value === null) return "null";
  if (value instanceof Date) return value.toISOString().replace(/\.?0*Z$/, "Z");
  if (Array.isArray(value) || value instanceof Set) return `[${[...value].map(nested).join(", ")}]`;
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return `{${Object.entries(value)
      .map(([key, member]) => `${nested(key)}: ${nested(member)}`)
      .sort()
      .join(", ")}}`;
  return String(value);
}

function nested(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : celText(value);
}
