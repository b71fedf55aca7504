import type { IpFamily, Pod, PodStatus, Service } from "@skerry/api";
import { serviceFamilies } from "@skerry/kube";
import { familyOf, isIP, isLoopback } from "../edged/pod/ip-address.ts";
import { podHostName } from "../edged/pod/pod-host-name.ts";

/** A pod of this node with what Edged last found out about it. */
export interface LocalPod {
  readonly pod: Pod;
  readonly status: PodStatus;
}

/** A pod that a Service leads to. */
export interface Endpoint {
  readonly addresses: readonly string[];
  /** Its name below the Service's, where the pod has `subdomain`. */
  readonly hostname: string | undefined;
}

/** Where a port of a Service leads: the same port of a Service may be another one in each pod. */
export interface Target {
  readonly endpoint: Endpoint;
  readonly port: number;
}

export interface ServicePort {
  /** Empty when the Service has one port without a name. */
  readonly name: string;
  readonly protocol: "TCP" | "UDP";
  readonly port: number;
  readonly targets: readonly Target[];
}

interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** A Service as this node serves it: with those of its endpoints that are on the node. */
export type LocalService = ServiceName &
  (
    | {
        readonly kind: "cluster";
        readonly addresses: readonly string[];
        readonly ports: readonly ServicePort[];
        readonly endpoints: readonly Endpoint[];
        /** How long a client stays with its endpoint; 0: each connection goes anywhere. */
        readonly affinitySeconds: number;
      }
    | { readonly kind: "headless"; readonly ports: readonly ServicePort[]; readonly endpoints: readonly Endpoint[] }
    | { readonly kind: "external"; readonly target: string }
  );

/** Served at most, the first by name; more are left out and told. */
export const MAX_SERVICES = 1_000;
const DEFAULT_AFFINITY_SECONDS = 3 * 3600;

/** The Services with their endpoints among the node's pods, ordered by name, {@link MAX_SERVICES} at most. */
export function localServices(
  services: readonly Service[],
  pods: readonly LocalPod[],
  clusterDomain: string,
): LocalService[] {
  return [...services]
    .sort((left, right) => compareText(keyOf(left), keyOf(right)))
    .slice(0, MAX_SERVICES)
    .flatMap((service) => localService(service, pods, clusterDomain) ?? []);
}

function localService(
  { metadata, spec }: Service,
  pods: readonly LocalPod[],
  clusterDomain: string,
): LocalService | undefined {
  const named = { namespace: metadata.namespace ?? "", name: metadata.name };
  if (spec.type === "ExternalName")
    return spec.externalName ? { ...named, kind: "external", target: spec.externalName } : undefined;
  const chosen = pods.filter(
    (each) => isSelected(each.pod, named.namespace, spec.selector) && isServing(each, spec.publishNotReadyAddresses),
  );
  const { clusterIP = "", clusterIPs = [clusterIP] } = spec;
  const families = spec.ipFamilies && serviceFamilies(spec.ipFamilies, clusterIPs);
  const ends = chosen
    .map(({ pod, status }) => ({ pod, endpoint: endpointOf(pod, status, named.name, clusterDomain, families) }))
    .filter(({ endpoint }) => endpoint.addresses.length > 0);
  const endpoints = ends.map(({ endpoint }) => endpoint);
  const ports = (spec.ports ?? []).flatMap(
    ({ name = "", port, protocol = "TCP", targetPort = port }): ServicePort[] => {
      if (protocol !== "TCP" && protocol !== "UDP") return [];
      const targets = ends.flatMap(({ pod, endpoint }): Target[] => {
        const found = typeof targetPort === "number" ? targetPort : containerPort(pod, targetPort, protocol);
        return found === undefined ? [] : [{ endpoint, port: found }];
      });
      return [{ name, protocol, port, targets }];
    },
  );
  if (clusterIP === "None") return { ...named, kind: "headless", ports, endpoints };
  const addresses = clusterIPs.filter((address) => isIP(address));
  const { clientIP } = spec.sessionAffinityConfig ?? {};
  const affinitySeconds =
    spec.sessionAffinity === "ClientIP" ? (clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) : 0;
  return addresses.length === 0
    ? undefined
    : { ...named, kind: "cluster", addresses, ports, endpoints, affinitySeconds };
}

function isSelected({ metadata }: Pod, namespace: string, selector: Record<string, string> | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return (
    wanted.length > 0 &&
    metadata.namespace === namespace &&
    wanted.every(([label, value]) => metadata.labels?.[label] === value)
  );
}

/** As the endpoints' controller has it: ready, not over, not being deleted. */
function isServing({ pod, status }: LocalPod, alsoNotReady = false): boolean {
  const isOver = status.phase === "Succeeded" || status.phase === "Failed";
  const isReady = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
  return (
    addressesOf(status).length > 0 &&
    !isOver &&
    pod.metadata.deletionTimestamp === undefined &&
    (isReady || alsoNotReady)
  );
}

/** @param families the Service's; pods may have others too */
function endpointOf(
  pod: Pod,
  status: PodStatus,
  serviceName: string,
  clusterDomain: string,
  families: readonly IpFamily[] | undefined,
): Endpoint {
  const hostname = pod.spec.subdomain === serviceName ? podHostName(pod, clusterDomain).short : undefined;
  const addresses = addressesOf(status).filter((address) => families?.includes(familyOf(address)) ?? true);
  return { addresses, hostname };
}

function addressesOf({ podIPs = [] }: PodStatus): string[] {
  return podIPs.map(({ ip }) => ip).filter((ip) => isIP(ip) && !isLoopback(ip));
}

function containerPort({ spec }: Pod, name: string, protocol: string): number | undefined {
  return [...spec.containers, ...(spec.initContainers ?? [])]
    .flatMap(({ ports = [] }) => ports)
    .find((port) => port.name === name && (port.protocol ?? "TCP") === protocol)?.containerPort;
}

function keyOf({ metadata }: Service): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
