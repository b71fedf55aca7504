import type { Pod, PodStatus } from "@skerry/api";

const HOLD_ANNOTATION = "edge.kubeedge.io/hold-upgrade";

/**
 * Pods that wait until somebody at the node lets them start: KubeEdge's held upgrades (edge.md 8.3). A pod is held by its
 * annotation as long as it has never started. That it was released is forgotten with this process.
 */
export class HeldUpgrades {
  /** By UID; no more than there are pods. */
  readonly #released = new Set<string>();

  isHeld(pod: Pod, last: PodStatus | undefined): boolean {
    const isWanted = pod.metadata.annotations?.[HOLD_ANNOTATION] === "true";
    const hasStarted = (last?.phase ?? "Pending") !== "Pending";
    return isWanted && !hasStarted && !this.#released.has(pod.metadata.uid ?? "");
  }

  release(uid: string): void {
    this.#released.add(uid);
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#released.delete(uid);
  }
}
