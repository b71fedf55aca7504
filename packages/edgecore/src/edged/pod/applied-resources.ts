import type { PodStatus } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import type { Resources } from "../container/resize.ts";
import type { RuntimeContainer } from "../ports.ts";
import { resourcesAnnotation } from "./runtime-names.ts";

/** Which resources the containers of one pod have now: those they were made with, or were given later. */
export class AppliedResources {
  /** By container id; of those whose resources were changed. */
  readonly #changed = new Map<string, Resources>();

  /** @param last the status last reported, from an earlier run */
  constructor(last: PodStatus | undefined) {
    const statuses = [...(last?.containerStatuses ?? []), ...(last?.initContainerStatuses ?? [])];
    for (const { containerID = "", resources } of statuses)
      if (resources) this.#changed.set(containerID.split("://")[1] ?? "", resources);
  }

  /** Undefined when nobody knows: another kubelet's container. */
  of({ id, annotations }: Pick<RuntimeContainer, "id" | "annotations">): Resources | undefined {
    return this.#changed.get(id) ?? madeWith(annotations[resourcesAnnotation]);
  }

  changed(id: string, resources: Resources): void {
    this.#changed.set(id, resources);
  }

  /** Forgets containers that are no longer there. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#changed.keys()) if (!ids.has(id)) this.#changed.delete(id);
  }
}

function madeWith(annotation: string | undefined): Resources | undefined {
  if (annotation === undefined) return undefined;
  const value: unknown = JSON.parse(annotation);
  return isJsonObject(value) ? (value as Resources) : undefined;
}
