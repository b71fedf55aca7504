import type { DriverValue, PropertyValue } from "@skerry/mapper";
import { DataType, LocalizedText, type Variant, VariantArrayType } from "node-opcua-client";

/** A value of OPC UA as a property's. */
export function fromVariant({ dataType, value }: Pick<Variant, "dataType" | "value">): DriverValue {
  if (value === null || value === undefined) return undefined;
  // The library has 64-bit integers as [high, low]; an array of them is an array of such pairs.
  if (dataType === DataType.Int64 || dataType === DataType.UInt64) {
    if (!Array.isArray(value) || typeof value[0] !== "number") return JSON.stringify(value);
    const bits = (BigInt(value[0] >>> 0) << 32n) + BigInt(Number(value[1]) >>> 0);
    return dataType === DataType.Int64 ? BigInt.asIntN(64, bits) : bits;
  }
  if (dataType === DataType.Float && typeof value === "number") return Number(value.toPrecision(7));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof LocalizedText) return value.text ?? undefined;
  if (value instanceof Uint8Array || ["number", "boolean", "string"].includes(typeof value)) return value;
  return dataType === DataType.NodeId || dataType === DataType.StatusCode ? String(value) : JSON.stringify(value);
}

/** A property's value as the type that its node has. @throws when the type cannot be written */
export function toVariant(
  dataType: DataType,
  value: PropertyValue,
): { dataType: DataType; arrayType: VariantArrayType; value: unknown } {
  return { dataType, arrayType: VariantArrayType.Scalar, value: rawValue(dataType, value) };
}

function rawValue(dataType: DataType, value: PropertyValue): unknown {
  switch (dataType) {
    case DataType.Boolean:
      return value === true || (typeof value !== "boolean" && Number(value) !== 0);
    case DataType.Int64:
    case DataType.UInt64: {
      const bits = BigInt.asUintN(64, BigInt(typeof value === "number" ? Math.round(value) : value));
      return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
    }
    case DataType.SByte:
    case DataType.Byte:
    case DataType.Int16:
    case DataType.UInt16:
    case DataType.Int32:
    case DataType.UInt32:
      return Math.round(Number(value));
    case DataType.Float:
    case DataType.Double:
      return Number(value);
    case DataType.String:
      return String(value);
    case DataType.LocalizedText:
      return new LocalizedText({ text: String(value) });
    case DataType.DateTime:
      return new Date(String(value));
    case DataType.ByteString:
      return Buffer.from(String(value), "base64");
    default:
      throw new Error(`values of OPC UA's type ${DataType[dataType]} cannot be written`);
  }
}
