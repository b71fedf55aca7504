import { fromBase64, type JsonObject, type JsonValue, toBase64, toKubernetesTime } from "@skerry/base";
import type { FieldDescription, FieldType, TypeCatalog, TypeDescription } from "./type-table.ts";

/** The four bytes before every Kubernetes protobuf body. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const DEPTH_LIMIT = 64;
/** Members that are pointers in Go: their zero value is somebody's wish (replicas: 0), not an empty place. */
const POINTERS: ReadonlySet<string> = new Set([
  ...["replicas", "revisionHistoryLimit", "progressDeadlineSeconds", "backoffLimit", "parallelism", "completions"],
  ...["ttlSecondsAfterFinished", "activeDeadlineSeconds", "terminationGracePeriodSeconds", "gracePeriodSeconds"],
  ...["tolerationSeconds", "defaultMode", "mode", "priority", "runAsUser", "runAsGroup", "fsGroup"],
  ...["runAsNonRoot", "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "optional", "suspend"],
  ...["automountServiceAccountToken", "enableServiceLinks", "shareProcessNamespace", "immutable", "hostUsers"],
  ...["maxSurge", "maxUnavailable", "minAvailable", "maxFailedIndexes", "backoffLimitPerIndex", "partition"],
  ...["successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds", "manualSelector"],
  ...["storageClassName", "minReplicas", "stabilizationWindowSeconds", "setHostnameAsFQDN", "expirationSeconds"],
]);

/** A body that is not what its content type says. */
export class ProtobufError extends Error {}

/** What the envelope (`runtime.Unknown`) around a protobuf body says. */
export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** Takes a Kubernetes protobuf body out of its envelope. @throws ProtobufError */
export function openEnvelope(body: Uint8Array): ProtobufEnvelope {
  if (MAGIC.some((byte, index) => body[index] !== byte)) throw new ProtobufError("the protobuf prefix is missing");
  let apiVersion = "";
  let kind = "";
  let raw: Uint8Array = new Uint8Array();
  for (const field of fieldsOf(body.subarray(MAGIC.length))) {
    if (typeof field.value === "bigint") continue;
    if (field.number === 1) {
      for (const inner of fieldsOf(field.value)) {
        if (typeof inner.value === "bigint") continue;
        if (inner.number === 1) apiVersion = textOf(inner.value);
        if (inner.number === 2) kind = textOf(inner.value);
      }
    } else if (field.number === 2) raw = field.value;
  }
  return { apiVersion, kind, raw };
}

/** Whether bodies of a type can be read: it is a built-in one, and its members' numbers are known. */
export function isDecodable(types: TypeCatalog, typeName: string): boolean {
  if (!types.has(typeName)) return false;
  const members = [...types.get(typeName).fields.values()];
  return members.every(({ name, numbers }) => numbers.length > 0 || name === "apiVersion" || name === "kind");
}

/** Decodes a message of a built-in type to the JSON that means the same. @throws ProtobufError */
export function decodeMessage(types: TypeCatalog, typeName: string, bytes: Uint8Array): JsonObject {
  return decodeObject(types, types.get(typeName), bytes, 0);
}

/** Members of one message level: those with this number, and those below an inlined message. */
function membersAt(type: TypeDescription, path: readonly number[], number: number): FieldDescription[] {
  return [...type.fields.values()].filter(
    (field) => path.every((part, index) => field.numbers[index] === part) && field.numbers[path.length] === number,
  );
}

function decodeObject(types: TypeCatalog, type: TypeDescription, bytes: Uint8Array, depth: number): JsonObject {
  if (depth > DEPTH_LIMIT) throw new ProtobufError("the message is nested too deeply");
  const object: JsonObject = {};
  decodeInto(types, type, bytes, [], object, depth);
  return object;
}

function decodeInto(
  types: TypeCatalog,
  type: TypeDescription,
  bytes: Uint8Array,
  path: readonly number[],
  object: JsonObject,
  depth: number,
): void {
  for (const { number, value } of fieldsOf(bytes)) {
    const members = membersAt(type, path, number);
    const member = members.find((candidate) => candidate.numbers.length === path.length + 1);
    if (member) addMember(types, object, member, value, depth);
    else if (members.length > 0 && typeof value !== "bigint")
      decodeInto(types, type, value, [...path, number], object, depth);
  }
}

function addMember(
  types: TypeCatalog,
  object: JsonObject,
  member: FieldDescription,
  value: bigint | Uint8Array,
  depth: number,
): void {
  const { name, type } = member;
  if (type.kind === "list") {
    const list = Array.isArray(object[name]) ? object[name] : [];
    list.push(decodeValue(types, type.item, value, depth));
    object[name] = list;
  } else if (type.kind === "map") {
    const map = (object[name] ?? {}) as JsonObject;
    let key = "";
    let content: bigint | Uint8Array = new Uint8Array();
    for (const part of fieldsOf(bytesOf(value))) {
      if (part.number === 1) key = textOf(bytesOf(part.value));
      if (part.number === 2) content = part.value;
    }
    map[key] = decodeValue(types, type.item, content, depth);
    object[name] = map;
  } else {
    const decoded = decodeValue(types, type, value, depth);
    // proto2 writes Go's zero values of plain members; JSON leaves them out.
    const isZero = type.kind === "scalar" && (decoded === "" || decoded === 0 || decoded === false);
    if (decoded === null || (isZero && !POINTERS.has(name))) return;
    object[name] = decoded;
  }
}

function decodeValue(types: TypeCatalog, type: FieldType, value: bigint | Uint8Array, depth: number): JsonValue {
  if (type.kind === "object") return decodeObject(types, types.get(type.name), bytesOf(value), depth + 1);
  if (type.kind === "list") {
    // A list inside a map travels as a message with the items in field 1.
    return fieldsOf(bytesOf(value)).map((part) => decodeValue(types, type.item, part.value, depth + 1));
  }
  if (type.kind === "map") throw new ProtobufError("a map cannot be a list's item");
  switch (type.name) {
    case "string":
      return textOf(bytesOf(value));
    case "bytes":
      return toBase64(bytesOf(value));
    case "bool":
      return value !== 0n;
    case "int32":
    case "int64":
      if (typeof value !== "bigint") throw new ProtobufError("a number is missing");
      return Number(BigInt.asIntN(64, value));
    case "quantity":
      return textField(bytesOf(value), 1);
    case "time":
    case "microtime":
      return decodeTime(bytesOf(value), type.name);
    case "intorstring":
      return decodeIntOrString(bytesOf(value));
    case "raw":
    case "fields":
    case "any": {
      const text = textField(bytesOf(value), 1);
      return text === "" ? null : (JSON.parse(text) as JsonValue);
    }
    case "double":
      return new DataView(fromBase64(toBase64(bytesOf(value))).buffer).getFloat64(0, true);
  }
}

function decodeTime(bytes: Uint8Array, name: "time" | "microtime"): JsonValue {
  let seconds = 0;
  let nanoseconds = 0;
  for (const { number, value } of fieldsOf(bytes)) {
    if (typeof value !== "bigint") continue;
    if (number === 1) seconds = Number(BigInt.asIntN(64, value));
    if (number === 2) nanoseconds = Number(value);
  }
  if (bytes.length === 0 || seconds < 0) return null;
  const text = toKubernetesTime(seconds * 1000);
  if (name === "time") return text;
  // Clients in Go refuse to read a MicroTime that has not six digits, and with it the whole list.
  const microseconds = String(Math.floor(nanoseconds / 1000)).padStart(6, "0");
  return text.replace("Z", `.${microseconds}Z`);
}

function decodeIntOrString(bytes: Uint8Array): JsonValue {
  let isText = false;
  let number = 0;
  let text = "";
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) isText = field.value === 1n;
    if (field.number === 2 && typeof field.value === "bigint") number = Number(BigInt.asIntN(32, field.value));
    if (field.number === 3) text = textOf(bytesOf(field.value));
  }
  return isText ? text : number;
}

function textField(bytes: Uint8Array, number: number): string {
  const field = fieldsOf(bytes).find((candidate) => candidate.number === number);
  return field ? textOf(bytesOf(field.value)) : "";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytesOf(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === "bigint") throw new ProtobufError("a number stands where a message belongs");
  return value;
}

interface WireField {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** Splits one message into its fields (protobuf wire format, proto2). */
function fieldsOf(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let offset = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new ProtobufError("the message ends within a number");
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new ProtobufError("a number is too long");
  };
  const take = (sizeBytes: number): Uint8Array => {
    if (offset + sizeBytes > bytes.length) throw new ProtobufError("the message ends within a field");
    offset += sizeBytes;
    return bytes.subarray(offset - sizeBytes, offset);
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: take(8) });
        break;
      case 2:
        fields.push({ number, value: take(Number(varint())) });
        break;
      case 5:
        fields.push({ number, value: take(4) });
        break;
      default:
        throw new ProtobufError("an unknown kind of field");
    }
  }
  return fields;
}
