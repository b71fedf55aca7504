import { isJsonObject, type JsonObject } from "@skerry/base";
import type { Sample } from "@skerry/link";
import { requestInvalid } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import { checkPropertyName, readTimestamp } from "./twin-request.ts";
import { checkValue } from "./value-type.ts";

/** How far ahead of this node a client's clock may be; a value from further in the future is dated now. */
const CLOCK_TOLERANCE_MS = 60_000;

/** When a value was observed, if what its client says makes sense; else now. */
export function observationTime(observedAtMs: number | undefined, nowMs: number): number {
  return observedAtMs === undefined || observedAtMs > nowMs + CLOCK_TOLERANCE_MS ? nowMs : observedAtMs;
}

/**
 * Samples of a message on a `data` topic: `{"data": {<property>: {"value": …, "metadata": {"timestamp": <ms>}}}}`. A value
 * may be a text, a number, or true or false.
 * @throws `DEVICETWIN_REQUEST_INVALID`, `…_PROPERTY_NAME_INVALID`, `…_VALUE_TOO_LARGE`, `…_VALUE_INVALID`
 */
export function readSampleMessage(
  deviceId: string,
  request: JsonObject,
  nowMs: number,
  limits: DeviceTwinLimits,
): Sample[] {
  const data = request["data"];
  if (!isJsonObject(data)) throw requestInvalid('it has no "data" object');
  const entries = Object.entries(data);
  if (entries.length > limits.maximumPropertiesPerDevice)
    throw requestInvalid(`it has more than ${limits.maximumPropertiesPerDevice} values`);
  return entries.map(([property, entry]) => {
    checkPropertyName(property);
    const value = isJsonObject(entry) ? entry["value"] : undefined;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw requestInvalid(`"value" of ${property} is no text, number, true or false`);
    checkValue(property, "string", String(value), limits.maximumValueBytes);
    return { deviceId, property, value: String(value), timestampMs: observationTime(readTimestamp(entry), nowMs) };
  });
}
