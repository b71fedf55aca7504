import type { ContainerStatus, Pod } from "@skerry/api";
import type { PodFailure } from "./pod-failure.ts";

/** The kubelet's words for pods that end because their machine goes down. */
export const TERMINATED = "Terminated";
export const SHUTDOWN_MESSAGE = "Pod was terminated in response to imminent node shutdown.";
/** Why a container has ended that the shutdown has ended, whatever its own exit code. */
export const NODE_SHUTDOWN = "NodeShutdown";

/** What a shutdown of the machine has ended of a pod that goes on afterwards. */
export interface Interruption {
  /** Ids of the containers that ran until then. */
  readonly containerIds: ReadonlySet<string>;
}

/** A pod that is never started again has failed when its machine goes down; undefined: it goes on afterwards. */
export function shutdownFailure({ spec }: Pod, graceSeconds: number): PodFailure | undefined {
  if (spec.restartPolicy !== "Never") return undefined;
  return { reason: TERMINATED, message: SHUTDOWN_MESSAGE, graceSeconds, isDisruption: true };
}

/** Whether the container's status says that a shutdown has ended it: its exit code then says nothing. */
export function wasInterrupted(status: ContainerStatus | undefined, containerId?: string): boolean {
  return [status?.state?.terminated, status?.lastState?.terminated].some(
    (ended) =>
      ended?.reason === NODE_SHUTDOWN &&
      (containerId === undefined || ended.containerID?.split("://")[1] === containerId),
  );
}
