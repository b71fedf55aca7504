import { readFileSync } from "node:fs";
import { SocketAddress } from "node:net";
import { type Clock, sleep } from "../clock.ts";

/** Where containers and virtual machines live, and tunnels: others reach the machine by one only if it leads outward. */
const INWARD =
  /^(cni|cali|cilium|docker|podman|lxc|lxd|incus|br-|virbr|vnet|veth|tap|tun|tailscale|wg|zt|skr-|flannel|vxlan|kube|dummy|lo)/;
const GLOBAL_SCOPE = "00";
/** Addresses that change by themselves (IFA_F_TEMPORARY), are of no use yet or no longer (DADFAILED, DEPRECATED, TENTATIVE). */
const UNSTABLE_FLAGS = 0x01 | 0x08 | 0x20 | 0x40;
/** Being looked whether others have it, for a second or two. */
const TENTATIVE_FLAG = 0x40;

/** How long the kernel's own look may take at most, with several tries. */
const TENTATIVE_MS = 5_000;

/** What the kernel says of the machine's addresses and routes. */
interface Ipv6Tables {
  readonly addresses: string;
  readonly routes: string;
}

/** The IPv6 address by which others reach this machine; undefined where it has none that lasts. */
export function machineIpv6Address(): string | undefined {
  const { addresses, routes } = kernelTables();
  return chooseIpv6Address(addresses, routes);
}

/**
 * The same, after a wait of some seconds at most where the only address that will do is not of use yet, as it is when an
 * interface has just come up.
 */
export async function settledIpv6Address(
  clock: Clock,
  tables: () => Ipv6Tables = kernelTables,
): Promise<string | undefined> {
  const deadlineMs = clock.monotonicMs() + TENTATIVE_MS;
  for (;;) {
    const { addresses, routes } = tables();
    const found = chooseIpv6Address(addresses, routes);
    const isAhead = chooseIpv6Address(addresses, routes, UNSTABLE_FLAGS & ~TENTATIVE_FLAG) !== undefined;
    if (found !== undefined || !isAhead || clock.monotonicMs() >= deadlineMs) return found;
    await sleep(clock, 200);
  }
}

function kernelTables(): Ipv6Tables {
  return { addresses: textOf("/proc/net/if_inet6"), routes: textOf("/proc/net/ipv6_route") };
}

/**
 * @param addresses what `/proc/net/if_inet6` says
 * @param routes what `/proc/net/ipv6_route` says
 * @param refusedFlags of addresses that will not do
 */
export function chooseIpv6Address(
  addresses: string,
  routes: string,
  refusedFlags: number = UNSTABLE_FLAGS,
): string | undefined {
  const candidates = addresses.split("\n").flatMap((line) => {
    const [hex = "", , , scope, flags = "", name = ""] = line.trim().split(/\s+/);
    const isLasting = scope === GLOBAL_SCOPE && (Number.parseInt(flags, 16) & refusedFlags) === 0;
    return isLasting ? [{ hex, name }] : [];
  });
  const outward = defaultIpv6Interfaces(routes);
  const best =
    candidates.find(({ name }) => outward.includes(name)) ?? candidates.find(({ name }) => !INWARD.test(name));
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
