import type { JsonObject, JsonValue } from "@skerry/base";
import { configInvalid } from "./errors.ts";

/** One member of a driver's configuration. */
export interface Field<T> {
  /** @throws `DRIVER_CONFIG_INVALID` */
  parse(name: string, value: JsonValue | undefined): T;
}

/** The members of a driver's configuration, by name. */
export type Schema = Readonly<Record<string, Field<unknown>>>;

/** What a driver gets for its schema. */
export type Config<S extends Schema> = { readonly [Name in keyof S]: S[Name] extends Field<infer T> ? T : never };

/** A text; required when it has no default. */
export function text(defaultValue?: string): Field<string> {
  return field("a text", defaultValue, (value) => (typeof value === "string" ? value : undefined));
}

/** A number, also written as text; required when it has no default. */
export function number(defaultValue?: number): Field<number> {
  return field("a number", defaultValue, (value) => {
    const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : undefined;
  });
}

/** A whole number in a range, also written as text; required when it has no default. */
export function integer(
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
  defaultValue?: number,
): Field<number> {
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return field(`a whole number ${range}`, defaultValue, (value) => {
    const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof parsed !== "number" || !Number.isSafeInteger(parsed)) return undefined;
    return parsed >= minimum && parsed <= maximum ? parsed : undefined;
  });
}

/** True or false; required when it has no default. */
export function flag(defaultValue?: boolean): Field<boolean> {
  return field("true or false", defaultValue, (value) => {
    if (value === "true" || value === "false") return value === "true";
    return typeof value === "boolean" ? value : undefined;
  });
}

/** One of some texts; the first is the default. */
export function choice<const T extends string>(...values: readonly [T, ...T[]]): Field<T> {
  return field(`one of ${values.join(", ")}`, values[0], (value) => values.find((candidate) => candidate === value));
}

/** What may be left out; it is undefined then. Otherwise as the field says. */
export function optional<T>(inner: Field<T>): Field<T | undefined> {
  return { parse: (name, value) => (value === undefined ? undefined : inner.parse(name, value)) };
}

/**
 * The configuration that a Device gives, checked. Members that the schema does not know are ignored: a Device may carry
 * those of other mappers too.
 * @throws `DRIVER_CONFIG_INVALID` naming the member
 */
export function parseConfig<S extends Schema>(schema: S, config: JsonObject): Config<S> {
  const entries = Object.entries(schema).map(([name, { parse }]) => [name, parse(name, config[name])]);
  return Object.fromEntries(entries) as Config<S>; // Each member has just been made by its field.
}

function field<T>(what: string, defaultValue: T | undefined, read: (value: JsonValue) => T | undefined): Field<T> {
  return {
    parse(name, value) {
      if (value === undefined) {
        if (defaultValue === undefined) throw configInvalid(name, `is missing; it is ${what}`);
        return defaultValue;
      }
      const result = read(value);
      if (result === undefined) throw configInvalid(name, `is ${JSON.stringify(value).slice(0, 80)}, not ${what}`);
      return result;
    },
  };
}
