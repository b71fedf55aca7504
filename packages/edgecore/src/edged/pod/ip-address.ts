import type { IpFamily } from "@skerry/api";

/** Whether the text is an IPv4 or IPv6 address (a zone like `%eth0` included). */
export function isIP(text: string): boolean {
  const octets = text.split(".");
  if (octets.length === 4) return octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255);
  return /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*(%\w+)?$/.test(text) && text.length <= 64;
}

/** Of what is an address. */
export function familyOf(address: string): IpFamily {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** Nobody but the machine itself reaches a pod there: the process runtime's have such addresses. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
