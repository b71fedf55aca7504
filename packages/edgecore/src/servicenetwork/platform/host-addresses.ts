import { readFileSync } from "node:fs";
import { BlockList, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { defaultIpv6Interfaces } from "@skerry/base/platform";
import { defaultInterfaces } from "../../edged/platform/default-routes.ts";
import type { HostAddresses } from "../dns-ports.ts";

/** {@link HostAddresses} from the machine's interfaces: on a bridge, the pods' gateway. */
export const hostAddresses: HostAddresses = {
  besides(podAddress) {
    const family = isIPv6(podAddress) ? "ipv6" : "ipv4";
    const outward = new Set(
      family === "ipv6"
        ? defaultIpv6Interfaces(readFileSync("/proc/net/ipv6_route", "utf8"))
        : defaultInterfaces(readFileSync("/proc/net/route", "utf8")),
    );
    const networks = Object.entries(networkInterfaces())
      .flatMap(([name, addresses]) => (outward.has(name) ? [] : (addresses ?? [])))
      .filter((each) => each.family.toLowerCase() === family && each.address !== podAddress)
      .map(({ address, cidr }) => ({ address, prefixLength: Number(cidr?.split("/")[1] ?? Number.NaN) }))
      .filter(({ address, prefixLength }) => prefixLength > 0 && isIn(podAddress, address, prefixLength, family));
    // The smallest network is the pods' own; a larger one may hold it.
    return networks.sort((left, right) => right.prefixLength - left.prefixLength)[0];
  },
};

function isIn(address: string, network: string, prefixLength: number, family: "ipv4" | "ipv6"): boolean {
  const list = new BlockList();
  list.addSubnet(network, prefixLength, family);
  return list.check(address, family);
}
