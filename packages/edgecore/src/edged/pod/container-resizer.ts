import type { Container, Pod } from "@skerry/api";
import { podGroup } from "../container/pod-group.ts";
import { effectiveResources } from "../container/pod-resources.ts";
import type { Resources } from "../container/resize.ts";
import { linuxResources } from "../container/resources.ts";
import { plainMessage } from "../errors.ts";
import type { GroupLimits } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { AppliedResources } from "./applied-resources.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PlannedResize } from "./pod-plan.ts";
import { limitPodGroup, providePodGroup } from "./provide-pod-group.ts";

/** What came of the wish for other limits. */
export interface ResizeResult {
  /** Whether any container has them now. */
  readonly isAnyChanged: boolean;
  /** What the runtime refused, the first. */
  readonly error: string | undefined;
}

/**
 * Changes the limits of running containers. What the runtime refuses is told, and tried
 * again with the pod's next look; until then the pod's group has the limits of what its containers have.
 */
export async function resizeContainers(
  pod: Pod,
  resizes: readonly PlannedResize[],
  applied: AppliedResources,
  services: Pick<PodServices, "runtime" | "machine" | "podGroups" | "logger" | "config">,
  notices: PodNotices,
): Promise<ResizeResult> {
  if (resizes.length === 0) return { isAnyChanged: false, error: undefined };
  const { runtime, machine } = services;
  const group = podGroup(pod);
  // Neither the old limits of the whole nor the new ones may be in the way of one container's.
  const unlimited = { ...group.limits, cpuQuotaUs: 0, memoryBytes: 0 };
  await providePodGroup({ ...group, limits: unlimited }, services);
  const refused = new Map<string, Resources>();
  let isAnyChanged = false;
  let firstError: string | undefined;
  for (const { container, runs } of resizes) {
    const resources = effectiveResources(pod, container);
    try {
      await runtime.updateContainerResources(runs.id, linuxResources(pod, container, await machine.hostFacts()));
    } catch (error) {
      const message = `Resizing ${container.name} failed: ${plainMessage(error)}`;
      notices.container(container, "Warning", "ResizeError", message);
      firstError ??= message;
      refused.set(container.name, applied.of(runs) ?? resources);
      continue;
    }
    applied.changed(runs.id, resources);
    isAnyChanged = true;
    const text = JSON.stringify(resources);
    notices.container(
      container,
      "Normal",
      "ResizeCompleted",
      `Container ${container.name} has its new resources: ${text}`,
    );
  }
  await limitPodGroup(pod, services, notices, refused.size > 0 ? limitsWith(pod, refused) : group.limits);
  return { isAnyChanged, error: firstError };
}

/** The group's limits while these containers still have other resources than the pod says: never tighter than theirs. */
function limitsWith(pod: Pod, kept: ReadonlyMap<string, Resources>): GroupLimits {
  const asKept = (container: Container): Container => {
    const resources = kept.get(container.name);
    return resources ? { ...container, resources } : container;
  };
  const { resources, ...spec } = pod.spec;
  const containers = spec.containers.map(asKept);
  const initContainers = (spec.initContainers ?? []).map(asKept);
  const { limits } = podGroup({ ...pod, spec: { ...spec, containers, initContainers } });
  if (!resources) return limits;
  const own = podGroup(pod).limits;
  return {
    ...own,
    cpuQuotaUs: wider(own.cpuQuotaUs, limits.cpuQuotaUs),
    memoryBytes: wider(own.memoryBytes, limits.memoryBytes),
  };
}

/** Of the pod's own limit and that of its containers together; 0 is none. */
function wider(own: number, ofContainers: number): number {
  return own === 0 ? 0 : Math.max(own, ofContainers);
}
