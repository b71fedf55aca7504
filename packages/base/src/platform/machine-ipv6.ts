import { readFileSync } from "node:fs";
import { SocketAddress } from "node:net";

/** Bridges and their ends are where containers live; others cannot reach the machine by them. */
const OF_CONTAINERS = /^(cni|docker|br-|virbr|veth|skr-|flannel|kube|lo)/;
const GLOBAL_SCOPE = "00";
/** Addresses that change by themselves (IFA_F_TEMPORARY), are of no use yet or no longer (DADFAILED, DEPRECATED, TENTATIVE). */
const UNSTABLE_FLAGS = 0x01 | 0x08 | 0x20 | 0x40;

/** The IPv6 address by which others reach this machine; undefined where it has none that lasts. */
export function machineIpv6Address(): string | undefined {
  return chooseIpv6Address(textOf("/proc/net/if_inet6"), textOf("/proc/net/ipv6_route"));
}

/**
 * @param addresses what `/proc/net/if_inet6` says
 * @param routes what `/proc/net/ipv6_route` says
 */
export function chooseIpv6Address(addresses: string, routes: string): string | undefined {
  const candidates = addresses.split("\n").flatMap((line) => {
    const [hex = "", , , scope, flags = "", name = ""] = line.trim().split(/\s+/);
    const isLasting = scope === GLOBAL_SCOPE && (Number.parseInt(flags, 16) & UNSTABLE_FLAGS) === 0;
    return isLasting && !OF_CONTAINERS.test(name) ? [{ hex, name }] : [];
  });
  const outward = defaultIpv6Interfaces(routes);
  const best = candidates.find(({ name }) => outward.includes(name)) ?? candidates[0];
  if (!best) return undefined;
  const address = best.hex.replace(/(.{4})(?=.)/g, "$1:");
  return new SocketAddress({ address, family: "ipv6" }).address;
}

/** Names of the interfaces by which IPv6 leads anywhere, from what `/proc/net/ipv6_route` says. */
export function defaultIpv6Interfaces(routes: string): string[] {
  return routes.split("\n").flatMap((line) => {
    const [destination = "", length, , , gateway = "", , , , , name = ""] = line.trim().split(/\s+/);
    return /^0+$/.test(destination) && length === "00" && !/^0*$/.test(gateway) ? [name] : [];
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // A kernel without IPv6.
  }
}
