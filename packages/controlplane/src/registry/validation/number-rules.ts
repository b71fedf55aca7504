import type { JsonObject, JsonValue } from "@skerry/base";
import { numberAt } from "../api-object.ts";
import { type FieldError, invalidValue } from "../field-error.ts";
import { nameErrors, portNameRule } from "./name-rules.ts";

/** The largest 32-bit number, which user ids and times may have. */
export const INT32_MAX = 2_147_483_647;

/** Members of an object that may not be below zero. */
export function notNegative(object: JsonObject, path: string, members: readonly string[]): FieldError[] {
  return members.flatMap((member) => {
    const value = numberAt(object, member);
    return value !== undefined && value < 0
      ? [invalidValue(`${path}.${member}`, value, "must be greater than or equal to 0")]
      : [];
  });
}

/** Members of an object that must lie within bounds, both included. */
export function within(
  object: JsonObject,
  path: string,
  members: readonly string[],
  [least, most]: readonly [number, number],
): FieldError[] {
  return members.flatMap((member) => {
    const value = numberAt(object, member);
    return value !== undefined && (value < least || value > most)
      ? [invalidValue(`${path}.${member}`, value, `must be between ${least} and ${most}, inclusive`)]
      : [];
  });
}

/** A port's number. */
export function portNumberErrors(path: string, port: number): FieldError[] {
  return port < 1 || port > 65_535 ? [invalidValue(path, port, "must be between 1 and 65535, inclusive")] : [];
}

/** A port by its number, or by the name that it has in a container. */
export function portErrors(path: string, port: JsonValue | undefined): FieldError[] {
  if (typeof port === "number") return portNumberErrors(path, port);
  return typeof port === "string" ? nameErrors(portNameRule, path, port) : [];
}
