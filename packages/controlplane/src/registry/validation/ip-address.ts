import { type FieldError, invalidValue } from "../field-error.ts";

/** An address as a number, or a network's first one. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Addresses with the same first bits. */
export interface IpNetwork extends IpAddress {
  readonly prefixBits: number;
}

const ADDRESS_RULE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NETWORK_RULE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** The address that a text is, without a zone; undefined when it is none. */
export function ipAddressOf(text: string): IpAddress | undefined {
  const value = text.includes(":") ? sixValue(text) : fourValue(text);
  return value === undefined ? undefined : { bits: text.includes(":") ? 128 : 32, value };
}

/** The network that a text such as `10.0.0.0/8` is; undefined when it is none. */
export function ipNetworkOf(text: string): IpNetwork | undefined {
  const [, host = "", length = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = ipAddressOf(host);
  const prefixBits = Number(length);
  if (!address || length === "" || prefixBits > address.bits) return undefined;
  const rest = BigInt(address.bits - prefixBits);
  return { bits: address.bits, value: (address.value >> rest) << rest, prefixBits };
}

/** Whether an address, or all of a network, is in another network. */
export function isWithin(inner: IpAddress & { readonly prefixBits?: number }, outer: IpNetwork): boolean {
  const rest = BigInt(outer.bits - outer.prefixBits);
  return (
    inner.bits === outer.bits &&
    (inner.prefixBits ?? inner.bits) >= outer.prefixBits &&
    inner.value >> rest === outer.value >> rest
  );
}

/** The member must be an address. */
export function ipAddressErrors(path: string, text: string): FieldError[] {
  return ipAddressOf(text) ? [] : [invalidValue(path, text, ADDRESS_RULE)];
}

/** The member must be a network. */
export function ipNetworkErrors(path: string, text: string): FieldError[] {
  return ipNetworkOf(text) ? [] : [invalidValue(path, text, NETWORK_RULE)];
}

function fourValue(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => (value << 8n) + BigInt(part), 0n);
}

function sixValue(text: string): bigint | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail) {
    const four = fourValue(tail[2] ?? "");
    if (four === undefined) return undefined;
    return sixValue(`${tail[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], rest = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...rest];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) + BigInt(`0x${group}`), 0n);
}
