import type { IntOrString, IpFamily, KubernetesObject, Pod, Service } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { serviceFamilies } from "@skerry/kube";
import { isPodFinished, isPodReady } from "../pod-state.ts";

/** Most addresses that an Endpoints object lists; those of a larger service are in its EndpointSlices alone. */
const MOST_ADDRESSES = 1_000;

/** Where a service's traffic can go. */
export interface ServiceBackends {
  readonly backends: readonly { readonly pod: Pod; readonly address: string; readonly ready: boolean }[];
  readonly ports: readonly { readonly name?: string; readonly port: number; readonly protocol: string }[];
}

export const IP_FAMILIES: readonly IpFamily[] = ["IPv4", "IPv6"];

/** The families that a service has, the first one first. */
export function ipFamilies({ spec }: Service): readonly [IpFamily, ...IpFamily[]] {
  const { clusterIP = "", clusterIPs = [clusterIP] } = spec;
  const [first = "IPv4", ...more] = serviceFamilies(spec.ipFamilies ?? [], clusterIPs);
  return [first, ...more];
}

/** The pods behind a service that have an address of that family, and the ports they serve it on. */
export function serviceBackends(service: Service, pods: readonly Pod[], family: IpFamily): ServiceBackends {
  const { publishNotReadyAddresses } = service.spec as { publishNotReadyAddresses?: boolean };
  const backends = pods
    .filter((pod) => !isPodFinished(pod))
    .flatMap((pod) => {
      const address = podAddress(pod, family);
      return address === undefined ? [] : [{ pod, address }];
    })
    .map(({ pod, address }) => ({
      pod,
      address,
      ready: publishNotReadyAddresses === true || (isPodReady(pod) && !pod.metadata.deletionTimestamp),
    }))
    .sort((left, right) => (left.pod.metadata.name < right.pod.metadata.name ? -1 : 1));
  const ports = (service.spec.ports ?? []).flatMap(({ name, port, targetPort, protocol = "TCP" }) => {
    const number = resolvePort(targetPort ?? port, protocol, backends[0]?.pod);
    return number === undefined ? [] : [{ ...(name ? { name } : {}), port: number, protocol }];
  });
  return { backends, ports };
}

function podAddress({ status }: Pod, family: IpFamily): string | undefined {
  const addresses = [status?.podIP ?? "", ...(status?.podIPs ?? []).map(({ ip }) => ip)];
  return addresses.find((address) => address !== "" && address.includes(":") === (family === "IPv6"));
}

/** Whether an Endpoints object lists only some of them. */
export function isOverCapacity({ backends }: ServiceBackends): boolean {
  return backends.length > MOST_ADDRESSES;
}

/** The Endpoints object's `subsets`; where there are too many addresses, those that are ready come first. */
export function endpointSubsets({ backends: all, ports }: ServiceBackends): JsonObject[] {
  if (all.length === 0) return [];
  const byReady = [...all].sort((left, right) => Number(right.ready) - Number(left.ready));
  const backends = byReady.slice(0, MOST_ADDRESSES);
  const addresses = (ready: boolean): JsonObject[] =>
    backends
      .filter((backend) => backend.ready === ready)
      .map(({ pod, address }) => ({
        ip: address,
        ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
        targetRef: referenceTo(pod),
      }));
  const ready = addresses(true);
  const notReady = addresses(false);
  return [
    {
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports: ports.map((port) => ({ ...port })) } : {}),
    },
  ];
}

/** The EndpointSlice's `endpoints`. */
export function sliceEndpoints({ backends }: ServiceBackends): JsonObject[] {
  return backends.map(({ pod, address, ready }) => ({
    addresses: [address],
    conditions: { ready, serving: isPodReady(pod), terminating: pod.metadata.deletionTimestamp !== undefined },
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: referenceTo(pod),
  }));
}

function referenceTo(pod: KubernetesObject): JsonObject {
  const { namespace, name, uid } = pod.metadata;
  return { kind: "Pod", ...(namespace ? { namespace } : {}), name, ...(uid ? { uid } : {}) };
}

/** A port given by name is looked up in the first pod: all pods of a service are taken to be alike. */
function resolvePort(target: IntOrString, protocol: string, pod: Pod | undefined): number | undefined {
  if (typeof target === "number") return target;
  for (const { ports = [] } of pod?.spec.containers ?? []) {
    const found = ports.find(({ name, protocol: offered = "TCP" }) => name === target && offered === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}
