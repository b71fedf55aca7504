import type { IpFamily } from "@skerry/api";
import { familyOf } from "../edged/pod/ip-address.ts";
import type { LocalService, ServicePort, Target } from "./local-services.ts";

/** Chains of the node's own, so that its rules are replaced and removed without touching anybody else's. */
export interface ChainNames {
  /** Table nat: where an address of a Service leads. */
  readonly services: string;
  /** Table nat: what is sent so comes from the node, so that the answers come back by it. */
  readonly masquerade: string;
  /** Table filter: what nobody on this node serves is refused at once. */
  readonly filter: string;
}

/** Where the node answers pods' questions for names; they ask at port 53 of the same address. */
export interface NameServerPlace {
  readonly address: string;
  /** How much of the address is the pods' network's; nobody else is let in. */
  readonly prefixLength: number;
  readonly port: number;
}

/**
 * The rules that lead the cluster addresses of one family to their endpoints on this node, for `iptables-restore
 * --noflush` or `ip6tables-restore --noflush`: the chains are replaced as a whole and nothing else is touched. Addresses are checked ones.
 *
 * Connections that were led on get the node's address: on a bridge the endpoint would else answer the client directly,
 * where the kernel does not see it and cannot put the Service's address back.
 */
export function packetRules(
  services: readonly LocalService[],
  nameServers: readonly NameServerPlace[],
  chains: ChainNames,
  family: IpFamily,
): string {
  const nat: string[] = [];
  const filter: string[] = [];
  const masqueraded = new Set<string>();
  for (const { address, prefixLength, port } of nameServers) {
    if (familyOf(address) !== family) continue;
    for (const protocol of ["udp", "tcp"]) {
      nat.push(`${to(chains.services, address, protocol, 53)} -j DNAT --to-destination ${withPort(address, port)}`);
      filter.push(`${to(chains.filter, address, protocol, port)} -s ${address}/${prefixLength} -j ACCEPT`);
    }
  }
  for (const service of services) {
    if (service.kind !== "cluster") continue;
    for (const address of service.addresses.filter((each) => familyOf(each) === family)) {
      for (const port of service.ports) {
        const lines = destinationRules(address, port, service.affinitySeconds, chains);
        const protocol = port.protocol.toLowerCase();
        nat.push(...lines);
        if (lines.length > 0) masqueraded.add(address);
        else filter.push(`${to(chains.filter, address, protocol, port.port)} -j REJECT`);
      }
    }
  }
  return [
    "*nat",
    `:${chains.services} - [0:0]`,
    `:${chains.masquerade} - [0:0]`,
    ...nat,
    ...[...masqueraded].map(
      (address) => `-A ${chains.masquerade} -m conntrack --ctstate DNAT --ctorigdst ${whole(address)} -j MASQUERADE`,
    ),
    "COMMIT",
    "*filter",
    `:${chains.filter} - [0:0]`,
    ...filter,
    "COMMIT",
    "",
  ].join("\n");
}

/** One rule an endpoint, each taking its share of what those before it have left. */
function destinationRules(address: string, port: ServicePort, affinitySeconds: number, chains: ChainNames): string[] {
  const targets = port.targets.flatMap((target) => destination(target, familyOf(address)) ?? []);
  const start = to(chains.services, address, port.protocol.toLowerCase(), port.port);
  const memory = (target: string): string => `-m recent --name ${chains.services}-${address}-${port.port}-${target}`;
  const isSticky = affinitySeconds > 0;
  const known = isSticky
    ? targets.map(
        (target) =>
          `${start} ${memory(target)} --update --seconds ${affinitySeconds} --reap -j DNAT --to-destination ${target}`,
      )
    : [];
  const chosen = targets.map((target, index) => {
    const left = targets.length - index;
    const share = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : "";
    const note = isSticky ? ` ${memory(target)} --set` : "";
    return `${start}${share}${note} -j DNAT --to-destination ${target}`;
  });
  return [...known, ...chosen];
}

function destination({ endpoint, port }: Target, family: IpFamily): string | undefined {
  const address = endpoint.addresses.find((each) => familyOf(each) === family);
  return address === undefined ? undefined : withPort(address, port);
}

function withPort(address: string, port: number): string {
  return familyOf(address) === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The address alone, as a range. */
function whole(address: string): string {
  return `${address}/${familyOf(address) === "IPv6" ? 128 : 32}`;
}

function to(chain: string, address: string, protocol: string, port: number): string {
  return `-A ${chain} -d ${whole(address)} -p ${protocol} -m ${protocol} --dport ${port}`;
}
