import type { Container, Pod } from "@skerry/api";
import { isSidecar } from "../pod/restart-policy.ts";
import type { Assignment } from "./device-tables.ts";

/** What a container may be given. */
export interface Choice {
  /** Devices that work and that nobody else has, in order. */
  readonly available: readonly string[];
  /** Those of them that the pod has already, for init containers that have ended by the time this one runs. */
  readonly ownFirst: readonly string[];
}

/**
 * Devices for one more container of the pod.
 * @param health whether each device works, by id
 * @param assignments of the resource, without those of pods that are over
 */
export function choiceOf(
  pod: Pod,
  container: Container,
  health: ReadonlyMap<string, boolean>,
  assignments: readonly Assignment[],
): Choice {
  const plainInits = new Set(
    (pod.spec.initContainers ?? []).filter((each) => !isSidecar(each)).map(({ name }) => name),
  );
  const isReusable = (each: Assignment): boolean =>
    each.podUid === pod.metadata.uid && each.container !== container.name && plainInits.has(each.container);
  const taken = new Set(assignments.filter((each) => !isReusable(each)).flatMap(({ devices }) => devices));
  const own = new Set(assignments.filter(isReusable).flatMap(({ devices }) => devices));
  const available = [...health]
    .filter(([id, isHealthy]) => isHealthy && !taken.has(id))
    .map(([id]) => id)
    .sort();
  return { available, ownFirst: available.filter((id) => own.has(id)) };
}

/** So many of them: first those of the pod, then what the plugin prefers, then the others in order. */
export function take({ available, ownFirst }: Choice, preferred: readonly string[], count: number): string[] {
  const free = new Set(available);
  return [...new Set([...ownFirst, ...preferred.filter((id) => free.has(id)), ...available])].slice(0, count);
}
