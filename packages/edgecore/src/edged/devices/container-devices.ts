import type { Container, Pod } from "@skerry/api";
import type { ContainerConfig } from "../ports.ts";

/** What a container gets with its devices; each a member of its configuration. */
export interface GivenDevices
  extends Pick<ContainerConfig, "environment" | "mounts" | "annotations" | "devices" | "cdiDevices"> {}

export const NO_DEVICES: GivenDevices = { environment: [], mounts: [], annotations: {}, devices: [], cdiDevices: [] };

/** How many devices of one resource there are, and how many of them work. */
export interface DeviceCount {
  readonly capacity: number;
  readonly allocatable: number;
}

/** The node's devices, as pods and the Node see them. */
export interface ContainerDevices {
  /** By resource; what is not known yet is left out. */
  readonly counts: ReadonlyMap<string, DeviceCount>;
  /**
   * The devices that the container's limits ask for: at each start the same.
   * @throws `EDGED_DEVICES_UNAVAILABLE`, `EDGED_DEVICE_PLUGIN_FAILED`
   */
  provide(pod: Pod, container: Container, signal: AbortSignal): Promise<GivenDevices>;
}

const RESOURCE = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LONGEST_NAME = 253 + 1 + 63;

/** Whether a device plugin may offer this resource: one with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  const domain = name.slice(0, name.indexOf("/"));
  const isOwn = domain === "kubernetes.io" || domain.endsWith(".kubernetes.io");
  return name.length <= LONGEST_NAME && RESOURCE.test(name) && !isOwn && !name.startsWith("requests.");
}

/** The devices that a container asks for, as resource and quantity. */
export function deviceLimits({ resources }: Container): [resource: string, quantity: string | number][] {
  return Object.entries(resources?.limits ?? {}).filter(([name]) => isExtendedResource(name));
}

/** Whether any container of the pod asks for devices. */
export function asksForDevices({ spec }: Pod): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some((container) => deviceLimits(container).length > 0);
}
