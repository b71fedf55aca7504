import { type ServiceMachine, ServiceNetwork, type ServiceNetworkPorts } from "../service-network.ts";
import { dnsPacketCodec } from "./dns-packet-codec.ts";
import { dnsSockets } from "./dns-sockets.ts";
import { hostAddresses } from "./host-addresses.ts";
import { iptablesFilter } from "./iptables.ts";

/** Services by this machine's kernel and sockets; a module of its own, so that it is loaded with the first Service. */
export function makeServiceNetwork(
  ports: Omit<ServiceNetworkPorts, keyof ServiceMachine>,
  rootDirectory: string,
): ServiceNetwork {
  return new ServiceNetwork({
    ...ports,
    packetFilter: iptablesFilter(rootDirectory, "IPv4"),
    ipv6Filter: iptablesFilter(rootDirectory, "IPv6"),
    dnsNetwork: dnsSockets,
    codec: dnsPacketCodec,
    addresses: hostAddresses,
  });
}
