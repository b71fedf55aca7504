import type { Pod } from "@skerry/api";
import { isSidecar } from "./restart-policy.ts";

const ANY = "0.0.0.0";

/** Whether both pods want the same port of the machine: only one would have it. */
export function haveSamePort(pod: Pod, other: Pod): boolean {
  const taken = hostPorts(other);
  return hostPorts(pod).some(([port, address]) =>
    taken.some(([its, itsAddress]) => its === port && (itsAddress === address || [itsAddress, address].includes(ANY))),
  );
}

function hostPorts({ spec }: Pod): [port: string, address: string][] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol = "TCP" }): [string, string][] => {
      const number = hostPort ?? (spec.hostNetwork ? containerPort : 0);
      return number > 0 ? [[protocol + number, hostIP || ANY]] : [];
    }),
  );
}
