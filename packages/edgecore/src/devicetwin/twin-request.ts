import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { propertyNameInvalid, requestInvalid } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";

/** What a request wants of one property. */
export type PropertyUpdate =
  | {
      readonly kind: "set";
      readonly name: string;
      readonly expected?: string;
      readonly actual?: string;
      /** When the client observed the actual value, as it says; wall clock in milliseconds. */
      readonly observedAtMs?: number;
      readonly optional?: boolean;
      readonly type?: string;
    }
  | { readonly kind: "delete"; readonly name: string };

const propertyNamePattern = /^[a-zA-Z0-9\-_.,:/@#]{1,128}$/;

/** A device request's JSON object. @throws `DEVICETWIN_REQUEST_INVALID` */
export function parseRequest(payload: string): JsonObject {
  const value = parseJson(payload);
  if (!isJsonObject(value)) throw requestInvalid("it is not a JSON object");
  return value;
}

/** The request's id, "" when it has none (devices.md 5.2). @throws `DEVICETWIN_REQUEST_INVALID` */
export function readEventId(request: JsonObject, limits: DeviceTwinLimits): string {
  const eventId = request["event_id"] ?? "";
  if (typeof eventId !== "string") throw requestInvalid("event_id is not a string");
  if (Buffer.byteLength(eventId, "utf8") > limits.maximumEventIdBytes)
    throw requestInvalid(`event_id has more than ${limits.maximumEventIdBytes} bytes`);
  return eventId;
}

/**
 * The property changes of a `twin/update` request, in name order. All are read before any is applied.
 * @throws `DEVICETWIN_REQUEST_INVALID`, `DEVICETWIN_PROPERTY_NAME_INVALID`
 */
export function readUpdates(request: JsonObject): PropertyUpdate[] {
  const twin = request["twin"];
  if (!isJsonObject(twin)) throw requestInvalid('it has no "twin" object');
  return Object.entries(twin)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, wanted]) => {
      checkPropertyName(name);
      return readUpdate(name, wanted ?? null);
    });
}

/** @throws `DEVICETWIN_PROPERTY_NAME_INVALID` */
export function checkPropertyName(name: string): void {
  if (!propertyNamePattern.test(name)) throw propertyNameInvalid(name);
}

function readUpdate(name: string, wanted: JsonValue): PropertyUpdate {
  if (wanted === null) return { kind: "delete", name };
  if (!isJsonObject(wanted)) throw requestInvalid(`property ${name} is neither an object nor null`);
  const type = readType(name, wanted);
  if (type === "deleted") return { kind: "delete", name };
  const expected = readSide(name, "expected", wanted);
  const actual = readSide(name, "actual", wanted);
  const observedAtMs = readTimestamp(wanted["actual"]);
  const { optional } = wanted;
  if (optional !== undefined && optional !== null && typeof optional !== "boolean")
    throw requestInvalid(`"optional" of property ${name} is not true or false`);
  return {
    kind: "set",
    name,
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
    ...(actual === undefined || observedAtMs === undefined ? {} : { observedAtMs }),
    ...(typeof optional === "boolean" ? { optional } : {}),
    ...(type === undefined ? {} : { type }),
  };
}

function readType(name: string, wanted: JsonObject): string | undefined {
  const metadata = wanted["metadata"];
  if (metadata === undefined || metadata === null) return undefined;
  if (!isJsonObject(metadata)) throw requestInvalid(`"metadata" of property ${name} is not an object`);
  const type = metadata["type"];
  if (type === undefined || type === null || type === "") return undefined;
  if (typeof type !== "string") throw requestInvalid(`"metadata.type" of property ${name} is not a string`);
  return type;
}

function readSide(name: string, side: "expected" | "actual", wanted: JsonObject): string | undefined {
  const part = wanted[side];
  if (part === undefined || part === null) return undefined;
  const value = isJsonObject(part) ? part["value"] : undefined;
  if (typeof value !== "string")
    throw requestInvalid(`"${side}.value" of property ${name} is not a JSON string such as "21.5"`);
  return value;
}

/** The time that a client gives with a value; undefined when there is none that makes sense. */
export function readTimestamp(side: JsonValue | undefined): number | undefined {
  const metadata = isJsonObject(side) ? side["metadata"] : undefined;
  const timestamp = isJsonObject(metadata) ? metadata["timestamp"] : undefined;
  return typeof timestamp === "number" && Number.isSafeInteger(timestamp) && timestamp > 0 ? timestamp : undefined;
}

function parseJson(payload: string): JsonValue {
  try {
    return JSON.parse(payload) as JsonValue;
  } catch (error) {
    throw requestInvalid("it is not JSON", error);
  }
}
