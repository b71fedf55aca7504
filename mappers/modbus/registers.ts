import type { DriverValue, PropertyType, PropertyValue } from "@skerry/mapper";

/** How registers make a value: the keys of KubeEdge's Modbus visitors, and `format`. */
export interface RegisterLayout {
  /** Registers (or coils) of the value. */
  readonly limit: number;
  /** The two bytes of each register are swapped. */
  readonly isSwap: boolean;
  /** The order of the registers is turned round. */
  readonly isRegisterSwap: boolean;
  /** With `auto`, FLOAT and DOUBLE of 2 or 4 registers are IEEE 754 numbers, everything else is an unsigned integer. */
  readonly format: "auto" | "unsigned" | "signed" | "float";
}

/** The value that registers hold. */
export function decodeRegisters(words: readonly number[], type: PropertyType, layout: RegisterLayout): DriverValue {
  const bytes = toBytes(words, layout);
  const view = new DataView(bytes.buffer);
  if (type === "bytes") return bytes;
  if (type === "string") return new TextDecoder().decode(bytes).replace(/\0+$/, "");
  if (isFloat(type, layout)) return layout.limit === 2 ? shortestFloat(view.getFloat32(0)) : view.getFloat64(0);
  const integer = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const value = layout.format === "signed" ? BigInt.asIntN(bytes.length * 8, integer) : integer;
  if (type === "boolean") return value !== 0n;
  return toNumber(value);
}

/** The registers that hold a value. @throws when it does not fit into them */
export function encodeRegisters(value: PropertyValue, type: PropertyType, layout: RegisterLayout): number[] {
  const bytes = new Uint8Array(layout.limit * 2);
  const view = new DataView(bytes.buffer);
  if (typeof value === "string") {
    const content = type === "bytes" ? Buffer.from(value, "base64") : new TextEncoder().encode(value);
    if (content.length > bytes.length) throw new Error(`${content.length} bytes do not fit into ${bytes.length}`);
    bytes.set(content);
  } else if (isFloat(type, layout)) {
    if (layout.limit === 2) view.setFloat32(0, Number(value));
    else view.setFloat64(0, Number(value));
  } else {
    const integer = BigInt(typeof value === "number" ? Math.round(value) : value);
    const bits = layout.limit * 16;
    const fits = layout.format === "signed" ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer);
    if (fits !== integer) throw new Error(`${integer} does not fit into ${layout.limit} registers`);
    let rest = BigInt.asUintN(bits, integer);
    for (let index = bytes.length - 1; index >= 0; index--) {
      bytes[index] = Number(rest & 255n);
      rest >>= 8n;
    }
  }
  return toWords(bytes, layout);
}

/** The value of coils: one is itself, several are the bits of a number, the first one the lowest. */
export function decodeCoils(coils: readonly boolean[], type: PropertyType): DriverValue {
  if (coils.length === 1 || type === "boolean") {
    const isOn = coils.some((coil) => coil);
    return type === "boolean" ? isOn : Number(isOn);
  }
  return toNumber(coils.reduce((sum, coil, index) => sum + (coil ? 1n << BigInt(index) : 0n), 0n));
}

/** @throws when the value does not fit into so many coils */
export function encodeCoils(value: PropertyValue, limit: number): boolean[] {
  if (typeof value === "string") throw new Error("a text cannot be written to coils");
  const bits = BigInt(typeof value === "number" ? Math.round(value) : value);
  if (bits < 0n || bits >= 1n << BigInt(limit)) throw new Error(`${bits} does not fit into ${limit} coils`);
  return Array.from({ length: limit }, (_, index) => ((bits >> BigInt(index)) & 1n) === 1n);
}

function isFloat(type: PropertyType, { format, limit }: RegisterLayout): boolean {
  if (limit !== 2 && limit !== 4) return false;
  return format === "float" || (format === "auto" && (type === "float" || type === "double"));
}

function toBytes(words: readonly number[], { isSwap, isRegisterSwap }: RegisterLayout): Uint8Array<ArrayBuffer> {
  const ordered = isRegisterSwap ? words.toReversed() : words;
  return Uint8Array.from(ordered.flatMap((word) => (isSwap ? [word & 255, word >> 8] : [word >> 8, word & 255])));
}

function toWords(bytes: Uint8Array, { isSwap, isRegisterSwap }: RegisterLayout): number[] {
  const words = Array.from({ length: bytes.length / 2 }, (_, index) => {
    const [first = 0, second = 0] = bytes.subarray(index * 2, index * 2 + 2);
    return isSwap ? first + second * 256 : first * 256 + second;
  });
  return isRegisterSwap ? words.reverse() : words;
}

function toNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The shortest decimal number that is this 32-bit float, so that 21.3 stays 21.3. */
function shortestFloat(float: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(float.toPrecision(digits));
    if (Math.fround(candidate) === float) return candidate;
  }
  return float;
}
