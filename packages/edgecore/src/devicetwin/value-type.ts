import { typeUnknown, valueInvalid, valueTooLarge } from "./errors.ts";

/** Types of property values. KubeEdge's twin knows the first five; the rest are what a DeviceModel can name. */
const twinTypes = ["string", "int", "integer", "float", "boolean", "double", "bytes", "stream"] as const;
export type TwinType = (typeof twinTypes)[number];

/**
 * The type of a name as clients (`float`) and DeviceModels (`FLOAT`) write it; "" is `string`.
 * @throws `DEVICETWIN_TYPE_UNKNOWN`
 */
export function parseType(property: string, name: string): TwinType {
  if (name === "") return "string";
  const wanted = name.toLowerCase();
  const type = twinTypes.find((candidate) => candidate === wanted);
  if (type === undefined) throw typeUnknown(property, name);
  return type;
}

/** Whether values of the type are numbers. */
export function isNumeric(type: TwinType | "deleted"): boolean {
  return type === "int" || type === "integer" || type === "float" || type === "double";
}

/**
 * Checks a value against its type (devices.md 6.5) and the size limit. Any text is a `string`: blanks, JSON and all of
 * Unicode included (KubeEdge refuses them).
 * @throws `DEVICETWIN_VALUE_INVALID`, `DEVICETWIN_VALUE_TOO_LARGE`
 */
export function checkValue(property: string, type: TwinType, value: string, maximumBytes: number): void {
  const sizeBytes = Buffer.byteLength(value, "utf8");
  if (sizeBytes > maximumBytes) throw valueTooLarge(property, sizeBytes, maximumBytes);
  if (!value.isWellFormed() || value.includes("\0")) throw valueInvalid(property, "text", value);
  if (value === "") return; // Means "no value", as in KubeEdge.
  if (!fitsType(type, value)) throw valueInvalid(property, type, value);
}

/** Whether two values mean the same: numbers by value (`20` and `20.0`), the rest by text. */
export function sameValue(type: TwinType | "deleted", a: string, b: string): boolean {
  if (a === b) return true;
  if (!isNumeric(type) || a === "" || b === "") return false;
  if ((type === "int" || type === "integer") && isInteger(a) && isInteger(b)) return toBigInt(a) === toBigInt(b);
  return Number(a) === Number(b);
}

function fitsType(type: TwinType, value: string): boolean {
  switch (type) {
    case "int":
    case "integer":
      return isInteger(value);
    case "float":
    case "double":
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) && Number.isFinite(Number(value));
    case "boolean":
      return value === "true" || value === "false";
    case "string":
    case "bytes":
    case "stream":
      return true;
  }
}

/** Base 10, within 64 bits. */
function isInteger(value: string): boolean {
  if (!/^[+-]?\d{1,20}$/.test(value)) return false;
  const number = toBigInt(value);
  return number >= -(2n ** 63n) && number < 2n ** 63n;
}

/** BigInt() does not know a leading plus. */
function toBigInt(text: string): bigint {
  return BigInt(text.replace(/^\+/, ""));
}
