import type { PropertyType } from "../property-value.ts";
import type { ValueRange } from "../value-rules.ts";

/** A value of the type that is not the one at hand and lies in the range; undefined when none can be made up. */
export function otherValue(type: PropertyType, text: string | undefined, range: ValueRange): string | undefined {
  switch (type) {
    case "boolean":
      return text === "true" ? "false" : "true";
    case "int":
    case "float":
    case "double": {
      const { minimum = -Infinity, maximum = Infinity } = range;
      const present = text === undefined ? (range.minimum ?? 0) : Number(text);
      return [present + 1, present - 1, minimum, maximum]
        .filter((value) => Number.isFinite(value) && value >= minimum && value <= maximum && value !== present)
        .map(String)[0];
    }
    case "string":
      return text === "a" ? "b" : "a";
    case "bytes":
    case "stream":
      return undefined;
  }
}

/** Whether two texts are the same value; numbers may differ as much as 32-bit floats do. */
export function sameValue(type: PropertyType, a: string, b: string): boolean {
  if (type !== "float" && type !== "double") return a === b;
  return Math.abs(Number(a) - Number(b)) <= 1e-6 * Math.max(1, Math.abs(Number(a)));
}
