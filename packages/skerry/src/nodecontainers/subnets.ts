import { existsSync, readFileSync } from "node:fs";
import { BlockList, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

/** A range of addresses, IPv4 or IPv6. */
export interface Subnet {
  readonly address: string;
  readonly prefixLength: number;
}

/** `10.244.1.0/24` or `fd00:7::/64`; without a length it is one address. */
export function parseSubnet(text: string): Subnet {
  const [address = "", length] = text.split("/");
  return { address, prefixLength: length === undefined ? (isIPv6(address) ? 128 : 32) : Number(length) };
}

/** Whether an address is in both. */
export function overlaps(one: Subnet, other: Subnet): boolean {
  if (isIPv6(one.address) !== isIPv6(other.address)) return false;
  const [large, small] = one.prefixLength <= other.prefixLength ? [one, other] : [other, one];
  const family = isIPv6(large.address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(large.address, large.prefixLength, family);
  return list.check(small.address, family);
}

/** What the machine's interfaces and routes use, the default routes left out. */
export function usedSubnets(): Subnet[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .flatMap(({ cidr }) => (cidr === null ? [] : [parseSubnet(cidr)]));
  return [...addresses, ...routes4(textOf("/proc/net/route")), ...routes6(textOf("/proc/net/ipv6_route"))];
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Destinations of `/proc/net/route`, whose numbers are little-endian. */
function routes4(text: string): Subnet[] {
  return lines(text)
    .slice(1)
    .map((line) => line.split("\t"))
    .filter(([, destination]) => destination !== "00000000")
    .map((fields) => {
      const address = [...Buffer.from(fields[1] ?? "00000000", "hex")].reverse().join(".");
      const mask = Number.parseInt(fields[7] ?? "ffffffff", 16).toString(2);
      return { address, prefixLength: [...mask].filter((bit) => bit === "1").length };
    });
}

/** RTF_REJECT: such a route leads nowhere. */
const REJECTS = 0x0200;

/**
 * Destinations of `/proc/net/ipv6_route` but those that are refused; those of multicast and of the links themselves are
 * on every interface.
 */
export function routes6(text: string): Subnet[] {
  return lines(text)
    .map((line) => line.split(/\s+/))
    .filter(([address = "", length]) => length !== "00" && !/^(ff|fe[89ab])/.test(address))
    .filter((fields) => (Number.parseInt(fields[8] ?? "0", 16) & REJECTS) === 0)
    .map(([address = "", length = "80"]) => ({
      address: address.replace(/(.{4})(?=.)/g, "$1:"),
      prefixLength: Number.parseInt(length, 16),
    }));
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
