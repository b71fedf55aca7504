import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { JsonObject, JsonValue } from "@skerry/base";
import type { AnyValue, CustomizedValue } from "./generated/dmi.ts";

const PREFIX = "type.googleapis.com/google.protobuf.";
const VARINT_FIELD_1 = 8;
const FIXED64_FIELD_1 = 9;
const LENGTH_FIELD_1 = 10;
const FIXED32_FIELD_1 = 13;
const LARGEST_EXACT_FLOAT = 2 ** 24;

/**
 * Wraps free-form configuration as KubeEdge does (devices.md 7.4), in name order, so that the same configuration is the
 * same bytes; absent members and null are left out.
 */
export function toCustomizedValue(config: JsonObject): CustomizedValue {
  const data = new Map<string, AnyValue>();
  for (const [name, value] of Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (value !== undefined && value !== null) data.set(name, toAnyValue(value));
  return { data };
}

/** Free-form configuration as it was in the Device; values of unknown types are left out, as in KubeEdge's SDK. */
export function fromCustomizedValue(config: CustomizedValue | undefined): JsonObject {
  const entries = [...(config?.data ?? [])].flatMap(([name, any]): [string, JsonValue][] => {
    const value = fromAnyValue(any);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

/**
 * Numbers are 32-bit floats, as KubeEdge's mappers get them, but whole numbers beyond 2^24 are Int64Value, which they
 * understand too and which loses nothing; what is beyond 32-bit floats is text. Objects and lists are their JSON text (KubeEdge does not deliver the device).
 */
function toAnyValue(value: Exclude<JsonValue, null>): AnyValue {
  const writer = new BinaryWriter();
  switch (typeof value) {
    case "boolean":
      if (value) writer.uint32(VARINT_FIELD_1).bool(value);
      return any("BoolValue", writer);
    case "number":
      if (Number.isSafeInteger(value) && Math.abs(value) > LARGEST_EXACT_FLOAT) {
        writer.uint32(VARINT_FIELD_1).int64(value);
        return any("Int64Value", writer);
      }
      if (!Number.isFinite(Math.fround(value))) return toAnyValue(String(value));
      if (value !== 0) writer.uint32(FIXED32_FIELD_1).float(value);
      return any("FloatValue", writer);
    default: {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      if (text !== "") writer.uint32(LENGTH_FIELD_1).string(text);
      return any("StringValue", writer);
    }
  }
}

function any(type: string, writer: BinaryWriter): AnyValue {
  return { typeUrl: `${PREFIX}${type}`, value: writer.finish() };
}

/** Undefined for a type that is not known, or a value that is broken. */
function fromAnyValue(value: AnyValue | undefined): JsonValue | undefined {
  if (!value?.typeUrl.startsWith(PREFIX)) return undefined;
  try {
    return readWrapper(value.typeUrl.slice(PREFIX.length), value.value);
  } catch {
    return undefined;
  }
}

function readWrapper(type: string, bytes: Uint8Array): JsonValue | undefined {
  const reader = new BinaryReader(bytes);
  const field = (tag: number): boolean => bytes.length > 0 && reader.uint32() === tag;
  switch (type) {
    case "StringValue":
      return field(LENGTH_FIELD_1) ? reader.string() : "";
    case "BoolValue":
      return field(VARINT_FIELD_1) ? reader.bool() : false;
    case "Int32Value":
    case "Int64Value":
      return field(VARINT_FIELD_1) ? Number(reader.int64()) : 0;
    case "UInt32Value":
    case "UInt64Value":
      return field(VARINT_FIELD_1) ? Number(reader.uint64()) : 0;
    case "FloatValue":
      return field(FIXED32_FIELD_1) ? shortestFloat(reader.float()) : 0;
    case "DoubleValue":
      return field(FIXED64_FIELD_1) ? reader.double() : 0;
    default:
      return undefined;
  }
}

/** The shortest decimal number that is this 32-bit float, so that 0.1 is 0.1 again and not 0.10000000149011612. */
function shortestFloat(float: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(float.toPrecision(digits));
    if (Math.fround(candidate) === float) return candidate;
  }
  return float;
}
