import type { IpFamily } from "@skerry/api";

/**
 * The families that a Service has, its first one first: those of its spec; where its addresses contradict them, as in
 * what older versions stored, those of the addresses.
 * @param stated `ipFamilies` of the spec
 * @param clusterIPs its addresses; of a headless one `None`
 */
export function serviceFamilies(stated: readonly IpFamily[], clusterIPs: readonly string[]): readonly IpFamily[] {
  const given = clusterIPs
    .filter((address) => address !== "" && address !== "None")
    .map((address): IpFamily => (address.includes(":") ? "IPv6" : "IPv4"));
  return given.some((family, index) => (stated[index] ?? family) !== family) ? given : stated;
}
