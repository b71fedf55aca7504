import { EvaluationError } from "@marcbachmann/cel-js";
import { celText } from "./cel-text.ts";

/** Longest precision, as in cel-go. */
const PRECISION_LIMIT = 100;
const CLAUSE = /%(?:%|(?:\.(\d{1,3}))?([a-zA-Z]))/g;

/** `format` of a text: `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`. @throws EvaluationError */
export function formatCel(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll(CLAUSE, (clause: string, precision: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return "%";
    if (next >= values.length) throw new EvaluationError(`index ${next} out of range`);
    const digits = precision === undefined ? 6 : Math.min(Number(precision), PRECISION_LIMIT);
    return formatOne(verb, values[next++], digits, clause);
  });
}

function formatOne(verb: string, value: unknown, digits: number, clause: string): string {
  switch (verb) {
    case "s":
      return celText(value);
    case "d":
      if (typeof value === "bigint" || typeof value === "number") return String(value);
      break;
    case "f":
      if (typeof value === "number" || typeof value === "bigint") return Number(value).toFixed(digits);
      break;
    case "e":
      if (typeof value === "number" || typeof value === "bigint")
        // Go writes at least two digits of the exponent.
        return Number(value)
          .toExponential(digits)
          .replace(/e([+-])(\d)$/, "e$10$2");
      break;
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (typeof value === "bigint") return value.toString(2);
      break;
    case "o":
      if (typeof value === "bigint") return value.toString(8);
      break;
    case "x":
    case "X": {
      const hex = hexOf(value);
      if (hex !== undefined) return verb === "X" ? hex.toUpperCase() : hex;
      break;
    }
    default:
      throw new EvaluationError(
        `could not parse formatting clause: unrecognized formatting clause "${clause.slice(-1)}"`,
      );
  }
  throw new EvaluationError(`error during formatting: ${clause} does not fit a value of this type`);
}

function hexOf(value: unknown): string | undefined {
  if (typeof value === "bigint") return value.toString(16);
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array)) return undefined;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
