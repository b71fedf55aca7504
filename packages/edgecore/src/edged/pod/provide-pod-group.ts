import type { PodGroup } from "../ports.ts";
import type { PodServices } from "../services.ts";

/** Makes the pod's control group, or gives it these limits; returns its name, undefined where pods have none. */
export async function providePodGroup(
  group: PodGroup,
  { machine, podGroups }: Pick<PodServices, "machine" | "podGroups">,
): Promise<string | undefined> {
  const { takesGroupFolders } = await machine.runtimeFeatures();
  return takesGroupFolders ? podGroups?.provide(group) : undefined;
}
