import type { Pod } from "@skerry/api";
import { podGroup } from "../container/pod-group.ts";
import { effectiveResources } from "../container/pod-resources.ts";
import { linuxResources } from "../container/resources.ts";
import { plainMessage } from "../errors.ts";
import type { PodServices } from "../services.ts";
import type { AppliedResources } from "./applied-resources.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PlannedResize } from "./pod-plan.ts";
import { providePodGroup } from "./provide-pod-group.ts";

/**
 * Changes the limits of running containers; returns whether any was changed. What the runtime refuses is told, and tried
 * again with the pod's next look.
 */
export async function resizeContainers(
  pod: Pod,
  resizes: readonly PlannedResize[],
  applied: AppliedResources,
  services: Pick<PodServices, "runtime" | "machine" | "podGroups">,
  notices: PodNotices,
): Promise<boolean> {
  if (resizes.length === 0) return false;
  const { runtime, machine } = services;
  const group = podGroup(pod);
  // Neither the old limits of the whole nor the new ones may be in the way of one container's.
  const unlimited = { ...group.limits, cpuQuotaUs: 0, memoryBytes: 0 };
  await providePodGroup({ ...group, limits: unlimited }, services);
  let isAnyChanged = false;
  for (const { container, runs } of resizes) {
    const resources = effectiveResources(pod, container);
    try {
      await runtime.updateContainerResources(runs.id, linuxResources(pod, container, await machine.hostFacts()));
    } catch (error) {
      notices.container(
        container,
        "Warning",
        "ResizeError",
        `Resizing ${container.name} failed: ${plainMessage(error)}`,
      );
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
  await providePodGroup(group, services);
  return isAnyChanged;
}
