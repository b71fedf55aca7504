import { networkInterfaces } from "node:os";

/** This machine's addresses that others can dial, IPv4 first. */
export function hostAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return reachable.sort((left, right) => left.family.localeCompare(right.family)).map(({ address }) => address);
}
