import type { Container, Pod, Quantity } from "@skerry/api";
import { isSidecar } from "../pod/restart-policy.ts";

type Resources = NonNullable<Container["resources"]>;

/** A container's resources, with the pod's own limits where it has none and is the only one that runs. */
export function effectiveResources(pod: Pod, container: Container): Resources {
  const ofPod = pod.spec.resources;
  if (!ofPod) return container.resources ?? {};
  const { limits = {}, requests = {} } = container.resources ?? {};
  const missing = (own: Record<string, Quantity>, pods: Record<string, Quantity> = {}): Record<string, Quantity> => ({
    ...(concurrent(pod).length === 1 ? pods : {}),
    ...own,
  });
  return { limits: missing(limits, ofPod.limits), requests: missing(requests, ofPod.requests) };
}

/**
 * Whether limits of containers alone keep the pod within its own: one runs at a time, or each has its share.
 * @param limited the resources that it is asked about, by default all that the pod limits
 */
export function hasPodLimits(
  pod: Pod,
  limited: readonly string[] = Object.keys(pod.spec.resources?.limits ?? {}),
): boolean {
  const containers = concurrent(pod);
  return (
    containers.length === 1 ||
    containers.every(({ resources }) => limited.every((name) => resources?.limits?.[name] !== undefined))
  );
}

/** Containers that run at the same time. */
function concurrent({ spec }: Pod): Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
}
