import type { Pod } from "@skerry/api";
import { isSidecar } from "./restart-policy.ts";

/** A port of the machine that a pod takes. */
interface HostPort {
  readonly number: number;
  readonly protocol: string;
  readonly address: string;
}

const ANY = "0.0.0.0";

/** Whether both pods want the same port of the machine: only one would have it. */
export function haveSamePort(pod: Pod, other: Pod): boolean {
  const taken = hostPorts(other);
  return hostPorts(pod).some(({ number, protocol, address }) =>
    taken.some(
      (each) =>
        each.number === number &&
        each.protocol === protocol &&
        (each.address === address || [each.address, address].includes(ANY)),
    ),
  );
}

function hostPorts({ spec }: Pod): HostPort[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol = "TCP" }) => {
      const number = hostPort ?? (spec.hostNetwork ? containerPort : 0);
      return number > 0 ? [{ number, protocol, address: hostIP || ANY }] : [];
    }),
  );
}
