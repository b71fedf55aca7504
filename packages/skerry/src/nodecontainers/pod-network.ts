import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { noFreeSubnet, subnetInUse } from "../errors.ts";
import { tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** The pods' network of one edge node: a bridge with its own name and subnet. */
export interface PodNetwork {
  /** The CNI network's name, which also marks its iptables rules. */
  readonly name: string;
  readonly bridge: string;
  /** IPv4, `10.244.7.0/24`. */
  readonly subnet: string;
  /** What net.ipv4.ip_forward was before the bridge plugin turned it on. */
  readonly forwardingBefore: string;
}

const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
const BRIDGE_PREFIX = "skr-";
/** Tried in this order; the first that overlaps no address or route of the machine is taken. */
const SUBNETS = Array.from({ length: 32 }, (_, index) => `10.${244 - (index % 8)}.${(index >> 3) + 1}.0/24`);

/**
 * The node's pod network: the one chosen before, kept in `folder`, or a new one that clashes with nothing on this
 * machine. Writes the CNI configuration to `folder/conf`. The bridge of an earlier start must be gone. Throws
 * SKERRY_NO_FREE_SUBNET, SKERRY_SUBNET_IN_USE.
 */
export function preparePodNetwork(folder: string, wantedSubnet?: string): PodNetwork {
  const file = join(folder, "network.json");
  mkdirSync(join(folder, "conf"), { recursive: true });
  const before = readNetwork(folder);
  const subnet = chooseSubnet(wantedSubnet, before?.subnet);
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 8);
  const network: PodNetwork = {
    name: `skerry-${hash}`,
    bridge: `${BRIDGE_PREFIX}${hash}`,
    subnet,
    forwardingBefore: before?.forwardingBefore ?? readForwarding(),
  };
  writeFileSync(file, JSON.stringify(network));
  writeFileSync(join(folder, "conf", "10-skerry.conflist"), JSON.stringify(cniConfiguration(network, folder), null, 2));
  return network;
}

/** The network that `preparePodNetwork` chose, if any. */
export function readNetwork(folder: string): PodNetwork | undefined {
  const file = join(folder, "network.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PodNetwork) : undefined;
}

/** hostPorts by the portmap plugin; addresses are given out by host-local, with its files in the node's folder. */
function cniConfiguration(network: PodNetwork, folder: string): unknown {
  return {
    cniVersion: "0.4.0",
    name: network.name,
    plugins: [
      {
        type: "bridge",
        bridge: network.bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: join(folder, "addresses"),
          ranges: [[{ subnet: network.subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
      { type: "firewall", backend: "iptables" },
    ],
  };
}

/** The wanted one, else the earlier one, which the machine may have come to use meanwhile, else the first free one. */
function chooseSubnet(wanted: string | undefined, before: string | undefined): string {
  const used = usedRanges();
  const isFree = (subnet: string): boolean => !used.some((range) => overlaps(range, parseSubnet(subnet)));
  if (wanted !== undefined) {
    if (!isFree(wanted)) throw subnetInUse(wanted);
    return wanted;
  }
  const free = [...(before === undefined ? [] : [before]), ...SUBNETS].find(isFree);
  if (free === undefined) throw noFreeSubnet(SUBNETS);
  return free;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function usedRanges(): Range[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((address) => address.family === "IPv4" && address.cidr !== null)
    .map((address) => parseSubnet(address.cidr ?? ""));
  return [...addresses, ...routes()];
}

/** Destinations of the routing table, the default route left out. */
function routes(): Range[] {
  if (!existsSync("/proc/net/route")) return [];
  const littleEndian = (hex: string): number => Buffer.from(hex, "hex").readUInt32LE();
  return readFileSync("/proc/net/route", "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"))
    .filter((fields) => fields[1] !== "00000000")
    .map((fields) => {
      const first = littleEndian(fields[1] ?? "00000000");
      const mask = littleEndian(fields[7] ?? "ffffffff");
      return { first, last: first + (2 ** 32 - 1 - mask) };
    });
}

/** First and last address of `10.244.1.0/24`. */
export function parseSubnet(text: string): Range {
  const [address = "", bits = "32"] = text.split("/");
  const value = address.split(".").reduce((total, part) => total * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(value / size) * size;
  return { first, last: first + size - 1 };
}

function overlaps(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
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
  for (const table of ["nat", "filter"]) await removeRules(network, table, parts);
  await tryCommand([parts.busybox, "ip", "link", "delete", network.bridge]);
  rmSync(join(folder, "addresses"), { recursive: true, force: true });
  rmSync(join(folder, "network.json"), { force: true });
  removeResults(network);
  const others = Object.keys(networkInterfaces()).some((name) => name.startsWith(BRIDGE_PREFIX));
  if (network.forwardingBefore === "0" && !others) writeFileSync(IP_FORWARD, "0");
}

/** Deletes the rules that the CNI plugins made for this network, then the chains that belong to it. */
async function removeRules(network: PodNetwork, table: string, parts: SystemParts): Promise<void> {
  const iptables = [parts.iptables, "-w", "5", "-t", table];
  const environment = parts.environment;
  const listed = await tryCommand([...iptables, "-S"], { environment });
  const range = parseSubnet(network.subnet);
  const rules = listed.stdout.split("\n").filter((line) => line.startsWith("-A "));
  const own = rules.filter((rule) => {
    if (rule.includes(network.name)) return true;
    const address = /\b(\d+\.\d+\.\d+\.\d+)\/32\b/.exec(rule)?.[1];
    return address !== undefined && rule.startsWith("-A CNI-") && overlaps(parseSubnet(address), range);
  });
  const chains = new Set(own.flatMap((rule) => /-j (CNI-(?:DN-)?[0-9a-f]{16,})\b/.exec(rule)?.[1] ?? []));
  for (const rule of own) await tryCommand([...iptables, "-D", ...splitRule(rule.slice(3))], { environment });
  for (const chain of chains) await tryCommand([...iptables, "-F", chain], { environment });
  for (const chain of chains) await tryCommand([...iptables, "-X", chain], { environment });
  await removeSharedChains(table, parts);
}

/** The plugins' shared chains go when the last network's rules are gone. */
async function removeSharedChains(table: string, parts: SystemParts): Promise<void> {
  const iptables = [parts.iptables, "-w", "5", "-t", table];
  const environment = parts.environment;
  const shared =
    table === "nat" ? ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK"] : ["CNI-FORWARD", "CNI-ADMIN"];
  const lines = (await tryCommand([...iptables, "-S"], { environment })).stdout.split("\n");
  if (lines.some((line) => line.startsWith("-A CNI-") && line.includes("name:"))) return;
  if (lines.some((line) => line.startsWith("-A CNI-FORWARD") && line.includes("/32"))) return;
  const jumps = lines.filter((line) => line.startsWith("-A ") && shared.some((chain) => line.includes(`-j ${chain}`)));
  for (const rule of jumps) await tryCommand([...iptables, "-D", ...splitRule(rule.slice(3))], { environment });
  for (const chain of shared) await tryCommand([...iptables, "-F", chain], { environment });
  for (const chain of shared) await tryCommand([...iptables, "-X", chain], { environment });
}

/** The words of a rule as iptables prints it: quoted with `"`, with backslashes inside. */
export function splitRule(rule: string): string[] {
  return [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (match) => match[1]?.replace(/\\(.)/g, "$1") ?? match[2] ?? "",
  );
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
