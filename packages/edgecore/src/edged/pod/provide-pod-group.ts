import type { Pod } from "@skerry/api";
import { podGroup } from "../container/pod-group.ts";
import { hasPodLimits } from "../container/pod-resources.ts";
import type { GroupLimits, PodGroup } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { PodNotices } from "./pod-notices.ts";

/** Which limits of a whole pod its control group enforces. */
export interface LimitsOfGroups {
  readonly cpu: boolean;
  readonly memory: boolean;
}

/** What pods' control groups enforce on this node: nothing where they have none. */
export async function limitsOfGroups({
  machine,
  podGroups,
}: Pick<PodServices, "machine" | "podGroups">): Promise<LimitsOfGroups> {
  const { takesGroupFolders } = await machine.runtimeFeatures();
  if (!takesGroupFolders || !podGroups) return { cpu: false, memory: false };
  const { cpu, memory } = (await machine.hostFacts()).cgroups;
  return { cpu, memory };
}

/** Makes the pod's control group, or gives it these limits; returns its name, undefined where pods have none. */
export async function providePodGroup(
  group: PodGroup,
  { machine, podGroups }: Pick<PodServices, "machine" | "podGroups">,
): Promise<string | undefined> {
  const { takesGroupFolders } = await machine.runtimeFeatures();
  return takesGroupFolders ? podGroups?.provide(group) : undefined;
}

/** {@link providePodGroup} with limits that are to hold; that they do not is told where nothing else enforces the pod's. */
export async function limitPodGroup(
  pod: Pod,
  services: Pick<PodServices, "machine" | "podGroups" | "logger" | "config">,
  notices: PodNotices,
  limits?: GroupLimits,
): Promise<string | undefined> {
  const group = podGroup(pod);
  const name = await providePodGroup(limits ? { ...group, limits } : group, services);
  if (name !== undefined) return name;
  const { podPidsLimit } = services.config;
  if (podPidsLimit !== undefined)
    notices.pod(
      "Warning",
      "LimitsNotEnforced",
      `The pod has no control group of its own; it may have more processes than the node's limit of ${podPidsLimit}`,
    );
  if (hasPodLimits(pod)) return undefined;
  const message = "The limits of the pod as a whole are not enforced: its control group cannot be made or limited";
  notices.pod("Warning", "LimitsNotEnforced", message);
  services.logger.warn(message, { pod: `${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""}` });
  return undefined;
}
