import type { Pod } from "@skerry/api";
import { effectiveResources } from "../container/pod-resources.ts";
import { linuxResources } from "../container/resources.ts";
import { plainMessage } from "../errors.ts";
import type { PodServices } from "../services.ts";
import type { AppliedResources } from "./applied-resources.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PlannedResize } from "./pod-plan.ts";

/**
 * Changes the limits of running containers; returns whether any was changed. What the runtime refuses is told, and tried
 * again with the pod's next look.
 */
export async function resizeContainers(
  pod: Pod,
  resizes: readonly PlannedResize[],
  applied: AppliedResources,
  { runtime, machine }: Pick<PodServices, "runtime" | "machine">,
  notices: PodNotices,
): Promise<boolean> {
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
  return isAnyChanged;
}
