/** An IP address as its bytes: 4 or 16. */
export type IpBytes = Uint8Array;

/** The bytes of an IPv4 or IPv6 address; undefined for what is none. Zones and leading zeros are refused, as in Go's netip. */
export function parseIp(text: string): IpBytes | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpBytes | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || text.length > 45) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]);
}

/** Bytes of colon-separated groups; the last may be an IPv4 address. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    const ipv4 = isLast && index === groups.length - 1 && group.includes(".") ? parseIpv4(group) : undefined;
    if (ipv4) bytes.push(...ipv4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}

/** An address as Go writes it (RFC 5952). */
export function ipText(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  const text = groups.join(":");
  const [longest] = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)]
    .map(([zeros]) => zeros)
    .sort((one, other) => other.replace(/^:/, "").length - one.replace(/^:/, "").length);
  if (longest === undefined) return text;
  return text.replace(longest, text.endsWith(longest) || text.startsWith(longest) ? "::" : ":").replace(/:{3,}/, "::");
}

/** A range of addresses. */
export interface Cidr {
  readonly address: IpBytes;
  readonly prefixLength: number;
}

/** `10.0.0.0/8`; undefined for what is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [, addressText = "", lengthText = ""] = /^(.+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseIp(addressText);
  if (!address || lengthText === "" || Number(lengthText) > address.length * 8) return undefined;
  return { address, prefixLength: Number(lengthText) };
}

/** The address with all bits beyond the prefix cleared. */
export function maskIp(address: IpBytes, prefixLength: number): IpBytes {
  return address.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - index * 8))) & 255);
}

/** Whether the range holds an address of the same family. */
export function cidrContains({ address, prefixLength }: Cidr, other: IpBytes): boolean {
  if (address.length !== other.length) return false;
  const masked = maskIp(other, prefixLength);
  return maskIp(address, prefixLength).every((byte, index) => byte === masked[index]);
}
