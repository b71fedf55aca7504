import type { Container, Pod } from "@skerry/api";
import { effectiveResources } from "../container/pod-resources.ts";
import { type Resources, resizeOf } from "../container/resize.ts";
import type { AppliedResources } from "./applied-resources.ts";
import type { PodAdmission, ResizeObstacle } from "./pod-admission.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PodRuntimeState } from "./pod-runtime-state.ts";

/**
 * Which resources a pod may have: those it has until the node has room for those that it is to have. Nothing is kept for
 * it: after a restart what its containers have is what it was given.
 */
export class PodResizing {
  readonly #admission: PodAdmission;
  readonly #uid: string;
  readonly #applied: AppliedResources;
  /** By container, what the pod has a place for; undefined before the first look. */
  #allocated: ReadonlyMap<string, Resources> | undefined;
  #pending: ResizeObstacle | undefined;

  constructor(admission: PodAdmission, uid: string, applied: AppliedResources) {
    this.#admission = admission;
    this.#uid = uid;
    this.#applied = applied;
  }

  /** Why the pod must wait for its resources. */
  get pending(): ResizeObstacle | undefined {
    return this.#pending;
  }

  /** The pod with the resources that it may have now. */
  async allocate(pod: Pod, state: PodRuntimeState, notices: PodNotices): Promise<Pod> {
    this.#allocated ??= this.#had(pod, state);
    const before = withResources(pod, this.#allocated);
    const obstacle = isResized(pod, this.#allocated) ? await this.#admission.resize(this.#uid, before, pod) : undefined;
    if (obstacle && obstacle.message !== this.#pending?.message)
      notices.pod("Warning", `Resize${obstacle.reason}`, `Pod resize ${obstacle.reason}: ${obstacle.message}`);
    this.#pending = obstacle;
    if (obstacle) return before;
    this.#allocated = new Map(containersOf(pod).map((each) => [each.name, effectiveResources(pod, each)]));
    return pod;
  }

  /** What containers have that were made in an earlier run of EdgeCore. */
  #had(pod: Pod, state: PodRuntimeState): Map<string, Resources> {
    const had = new Map<string, Resources>();
    for (const { name } of containersOf(pod)) {
      const latest = state.containers.get(name)?.[0];
      const resources = latest && this.#applied.of(latest);
      if (resources) had.set(name, resources);
    }
    return had;
  }
}

/** Whether any container is to have other resources than these. */
function isResized(pod: Pod, allocated: ReadonlyMap<string, Resources>): boolean {
  return containersOf(pod).some((container) => {
    const had = allocated.get(container.name);
    return had !== undefined && resizeOf(pod, container, had) !== "none";
  });
}

function withResources(pod: Pod, allocated: ReadonlyMap<string, Resources>): Pod {
  const asAllocated = (container: Container): Container => {
    const resources = allocated.get(container.name);
    return resources ? { ...container, resources } : container;
  };
  const { initContainers, containers } = pod.spec;
  const spec = { ...pod.spec, containers: containers.map(asAllocated) };
  return { ...pod, spec: initContainers ? { ...spec, initContainers: initContainers.map(asAllocated) } : spec };
}

function containersOf({ spec }: Pod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? [])];
}
