import { isJsonObject, type JsonValue } from "@skerry/base";

/** A value as Go's `%v` prints it, which is how the API server quotes a patch: `map[spec:map[replicas:1]]`. */
export function goMapText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goMapText).join(" ")}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goMapText(value[key])}`);
  return `map[${members.join(" ")}]`;
}
