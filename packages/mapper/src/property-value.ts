import type { JsonObject } from "@skerry/base";
import { valueUnfit } from "./errors.ts";

/** Types of properties as DeviceModels write them, in lower case. */
export type PropertyType = "int" | "float" | "double" | "boolean" | "string" | "bytes" | "stream";

/** What a driver may answer for a property; null and undefined mean that there is no value just now. */
export type DriverValue = number | bigint | boolean | string | Uint8Array | JsonObject | null | undefined;

/** What a driver is asked to write: numbers of numeric properties (bigint beyond 2^53), boolean, else text. */
export type PropertyValue = number | bigint | boolean | string;

const INT = /^[+-]?\d{1,19}$/;
const knownTypes: readonly string[] = ["int", "float", "double", "boolean", "string", "bytes", "stream"];

/** The type a DeviceModel names; an unknown one is a text. */
export function propertyType(name: string): PropertyType {
  const type = name.toLowerCase() === "integer" ? "int" : name.toLowerCase();
  return knownTypes.includes(type) ? (type as PropertyType) : "string";
}

/**
 * A driver's value as DMI carries it; undefined when there is none. Bytes of a `bytes` property are base64, of others
 * UTF-8; objects are JSON.
 * @throws `DRIVER_VALUE_UNFIT`
 */
export function toText(type: PropertyType, value: DriverValue): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Uint8Array)
    return type === "bytes" ? Buffer.from(value).toString("base64") : new TextDecoder().decode(value);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  switch (type) {
    case "int":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (!INT.test(text)) throw valueUnfit(type, text);
      return text;
    case "float":
    case "double":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw valueUnfit(type, text);
      return text;
    case "boolean":
      if (text === "1" || text === "0") return text === "1" ? "true" : "false";
      if (text !== "true" && text !== "false") throw valueUnfit(type, text);
      return text;
    case "string":
    case "bytes":
    case "stream":
      return text;
  }
}

/** A desired value as a driver writes it. @throws `DRIVER_VALUE_UNFIT` */
export function fromText(type: PropertyType, text: string): PropertyValue {
  switch (type) {
    case "int": {
      if (!INT.test(text)) throw valueUnfit(type, text);
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : BigInt(text.replace(/^\+/, ""));
    }
    case "float":
    case "double":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw valueUnfit(type, text);
      return Number(text);
    case "boolean":
      // All that KubeEdge's mappers take.
      if (/^(1|t|true)$/i.test(text)) return true;
      if (/^(0|f|false)$/i.test(text)) return false;
      throw valueUnfit(type, text);
    case "string":
    case "bytes":
    case "stream":
      return text;
  }
}
