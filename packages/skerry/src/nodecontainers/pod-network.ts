import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { isSkerryError } from "@skerry/base";
import { noFreeSubnet, subnetInUse } from "../errors.ts";
import { tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";
import { type Ipv6Before, readIpv6Before, restoreIpv6 } from "./ipv6-forwarding.ts";
import { removeNetworkRules } from "./network-rules.ts";
import { overlaps, parseSubnet, type Subnet, usedSubnets } from "./subnets.ts";

/** The pods' network of one edge node: a bridge with its own name and subnet. */
export interface PodNetwork {
  /** The CNI network's name, which also marks its iptables rules. */
  readonly name: string;
  readonly bridge: string;
  /** IPv4, `10.244.7.0/24`. */
  readonly subnet: string;
  /** What net.ipv4.ip_forward was before the bridge plugin turned it on. */
  readonly forwardingBefore: string;
  /** Pods have a second address, where this is there. */
  readonly ipv6?: PodNetworkIpv6;
}

interface PodNetworkIpv6 {
  /** `fd12:3456:789a::/64`. */
  readonly subnet: string;
  readonly before: Ipv6Before;
}

/** The subnets that pods are to have. */
export interface WantedSubnets {
  /** Left out: the one of before, or a free one. */
  readonly ipv4?: string;
  /** Left out: pods have no IPv6; `any`: the one of before, or a free one, or none where none is free. */
  readonly ipv6?: string;
}

const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const BRIDGE_PREFIX = "skr-";
/** Tried in this order; the first that overlaps no address or route of the machine is taken. */
const SUBNETS = Array.from({ length: 32 }, (_, index) => `10.${244 - (index % 8)}.${(index >> 3) + 1}.0/24`);

/**
 * The node's pod network: the one chosen before, kept in `folder`, or a new one that clashes with nothing on this
 * machine. Writes the CNI configuration to `folder/conf`. The bridge of an earlier start must be gone. Throws
 * SKERRY_NO_FREE_SUBNET, SKERRY_SUBNET_IN_USE.
 * @param used what the machine has already
 */
export function preparePodNetwork(
  folder: string,
  wanted: WantedSubnets = {},
  used: readonly Subnet[] = usedSubnets(),
): PodNetwork {
  const file = join(folder, "network.json");
  mkdirSync(join(folder, "conf"), { recursive: true });
  const before = readNetwork(folder);
  const subnet = chooseSubnet(used, wanted.ipv4, before?.subnet, SUBNETS);
  const ipv6 = wanted.ipv6 === undefined ? undefined : chooseIpv6(used, wanted.ipv6, folder, before?.ipv6);
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 8);
  const network: PodNetwork = {
    name: `skerry-${hash}`,
    bridge: `${BRIDGE_PREFIX}${hash}`,
    subnet,
    forwardingBefore: before?.forwardingBefore ?? readForwarding(),
    ...(ipv6 && { ipv6 }),
  };
  writeFileSync(file, JSON.stringify(network));
  writeFileSync(join(folder, "conf", "10-skerry.conflist"), JSON.stringify(cniConfiguration(network, folder), null, 2));
  return network;
}

/** Undefined when any would do, and none is free. */
function chooseIpv6(
  used: readonly Subnet[],
  wanted: string,
  folder: string,
  before: PodNetworkIpv6 | undefined,
): PodNetworkIpv6 | undefined {
  try {
    return {
      subnet: chooseSubnet(used, wanted === "any" ? undefined : wanted, before?.subnet, localSubnets(folder)),
      before: before?.before ?? readIpv6Before(),
    };
  } catch (error) {
    if (isSkerryError(error, "SKERRY_NO_FREE_SUBNET")) return undefined;
    throw error;
  }
}

/** The network that `preparePodNetwork` chose, if any. */
export function readNetwork(folder: string): PodNetwork | undefined {
  const file = join(folder, "network.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PodNetwork) : undefined;
}

/** hostPorts by the portmap plugin; addresses are given out by host-local, with its files in the node's folder. */
function cniConfiguration({ name, bridge, subnet, ipv6 }: PodNetwork, folder: string): unknown {
  return {
    cniVersion: "0.4.0",
    name,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: join(folder, "addresses"),
          // The first is the pods' `podIP`.
          ranges: [[{ subnet }], ...(ipv6 ? [[{ subnet: ipv6.subnet }]] : [])],
          routes: [{ dst: "0.0.0.0/0" }, ...(ipv6 ? [{ dst: "::/0" }] : [])],
        },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
      { type: "firewall", backend: "iptables" },
    ],
  };
}

/** The wanted one, else the earlier one, which the machine may have come to use meanwhile, else the first free one. */
function chooseSubnet(
  used: readonly Subnet[],
  wanted: string | undefined,
  before: string | undefined,
  candidates: readonly string[],
): string {
  const isFree = (subnet: string): boolean => !used.some((range) => overlaps(range, parseSubnet(subnet)));
  if (wanted !== undefined) {
    if (!isFree(wanted)) throw subnetInUse(wanted);
    return wanted;
  }
  const tried = [...(before === undefined ? [] : [before]), ...candidates];
  const free = tried.find(isFree);
  if (free === undefined) throw noFreeSubnet(tried);
  return free;
}

/** Of the range for local use (RFC 4193): not likely to be anybody else's, and the same at each start. */
function localSubnets(folder: string): string[] {
  return Array.from({ length: 8 }, (_, index) => {
    const hash = createHash("sha256").update(`${hostname()} ${folder} ${index}`).digest();
    const group = (at: number): string => hash.readUInt16BE(at).toString(16);
    return `fd${hash.subarray(0, 1).toString("hex")}:${group(1)}:${group(3)}:${group(5)}::/64`;
  });
}

function readForwarding(): string {
  try {
    return readFileSync(IP_FORWARD, "utf8").trim();
  } catch {
    return "1";
  }
}

/**
 * Removes what the network left on the machine: iptables rules, the bridge with the pods' interfaces, cached results,
 * and IP forwarding if it was off before and no other Skerry network is up. Never throws; safe to call again.
 */
export async function removePodNetwork(folder: string, parts: SystemParts): Promise<void> {
  const network = readNetwork(folder);
  if (!network) return;
  const { name, subnet, ipv6 } = network;
  const { environment } = parts;
  // Side by side: with many pods each takes seconds.
  await Promise.all([
    removeNetworkRules({ name, subnet, program: parts.iptables, environment }),
    ipv6 && removeNetworkRules({ name, subnet: ipv6.subnet, program: parts.ip6tables, environment }),
  ]);
  await tryCommand([parts.busybox, "ip", "link", "delete", network.bridge]);
  rmSync(join(folder, "addresses"), { recursive: true, force: true });
  rmSync(join(folder, "network.json"), { force: true });
  removeResults(network);
  if (Object.keys(networkInterfaces()).some((name) => name.startsWith(BRIDGE_PREFIX))) return;
  if (network.forwardingBefore === "0") writeFileSync(IP_FORWARD, "0");
  if (network.ipv6) restoreIpv6(network.ipv6.before);
}

/**
 * libcni keeps the result of each attachment in a folder of the machine that cannot be chosen: the pod's own network,
 * and the loopback that containerd adds to each pod.
 */
function removeResults(network: PodNetwork): void {
  const folder = "/var/lib/cni/results";
  if (!existsSync(folder)) return;
  const names = readdirSync(folder);
  const prefix = `${network.name}-`;
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    const sandbox = name.slice(prefix.length).replace(/-[^-]+$/, "");
    rmSync(join(folder, name), { force: true });
    rmSync(join(folder, `cni-loopback-${sandbox}-lo`), { force: true });
  }
}
