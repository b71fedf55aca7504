import type { Pod } from "@skerry/api";
import { objectAt } from "../json-access.ts";

/** Fields of the pod that this node does not carry out yet, in words; each becomes an Event. */
export function unsupportedFields(pod: Pod): string[] {
  const found: string[] = [];
  const spec = pod.spec as Pod["spec"] & {
    runtimeClassName?: string;
    resourceClaims?: unknown[];
    hostUsers?: boolean;
  };
  if (spec.runtimeClassName) found.push("spec.runtimeClassName (the default runtime is used)");
  if (spec.resourceClaims?.length) found.push("spec.resourceClaims (no device is allocated)");
  if (spec.hostUsers === false) found.push("spec.hostUsers false (no user namespace is made)");
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const where = `container ${container.name}: `;
    for (const kind of ["livenessProbe", "readinessProbe", "startupProbe"] as const)
      if (container[kind] && "grpc" in container[kind]) found.push(`${where}${kind}.grpc (counts as failing)`);
    if ("volumeDevices" in container) found.push(`${where}volumeDevices (no block device is given)`);
    if (objectAt(container.securityContext, "seLinuxOptions")) found.push(`${where}securityContext.seLinuxOptions`);
    for (const resource of Object.keys(container.resources?.limits ?? {}))
      if (!["cpu", "memory"].includes(resource)) found.push(`${where}resources.limits[${resource}] (not enforced)`);
  }
  return found;
}
