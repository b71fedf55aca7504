import type { ContainerRuntime, RuntimeContainerStatus, Sandbox } from "../ports.ts";
import { podUidLabel } from "./runtime-names.ts";

/** What the runtime has of one pod. */
export interface PodRuntimeState {
  /** The newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** The newest sandbox when it is ready. */
  readonly sandbox: Sandbox | undefined;
  /** Addresses of the ready sandbox; empty on the host's network. */
  readonly addresses: readonly string[];
  /** By name, the newest first. */
  readonly containers: ReadonlyMap<string, readonly RuntimeContainerStatus[]>;
  /** Changes exactly when a listing shows something else. */
  readonly signature: string;
}

/** What of a listing tells whether anything changed; of the pod's sandboxes and containers, in any order. */
export function runtimeSignature(parts: readonly { readonly id: string; readonly state: string }[]): string {
  return parts
    .map(({ id, state }) => `${id}=${state}`)
    .sort()
    .join("\n");
}

export const nothingInRuntime: PodRuntimeState = {
  sandboxes: [],
  sandbox: undefined,
  addresses: [],
  containers: new Map(),
  signature: "",
};

/** All containers of the pod, whatever their state. */
export function allContainers(state: PodRuntimeState): RuntimeContainerStatus[] {
  return [...state.containers.values()].flat();
}

/** Whether the container runs in the sandbox that is ready now. */
export function isLive(state: PodRuntimeState, container: RuntimeContainerStatus | undefined): boolean {
  return container !== undefined && container.state === "running" && container.sandboxId === state.sandbox?.id;
}

/**
 * Reads a pod's state from the runtime. What has ended never changes, so `ended` (the caller's, one per pod) saves
 * asking again.
 */
export async function readPodRuntimeState(
  runtime: ContainerRuntime,
  uid: string,
  ended: Map<string, RuntimeContainerStatus>,
  addressesOf: Map<string, readonly string[]>,
): Promise<PodRuntimeState> {
  const filter = { [podUidLabel]: uid };
  const [sandboxes, listed] = await Promise.all([runtime.listSandboxes(filter), runtime.listContainers(filter)]);
  sandboxes.sort((left, right) => right.attempt - left.attempt || right.createdAtMs - left.createdAtMs);
  const newest = sandboxes[0];
  const sandbox = newest?.state === "ready" ? newest : undefined;

  const statuses = await Promise.all(
    listed.map(async (container) => {
      const known = ended.get(container.id);
      if (known) return known;
      const status = await runtime.containerStatus(container.id);
      return status && { ...status, sandboxId: container.sandboxId, labels: container.labels };
    }),
  );
  ended.clear();
  const containers = new Map<string, RuntimeContainerStatus[]>();
  for (const status of statuses) {
    if (!status) continue;
    if (status.state === "exited") ended.set(status.id, status);
    const sameName = containers.get(status.name);
    if (sameName) sameName.push(status);
    else containers.set(status.name, [status]);
  }
  // Newest first, by what counts up: the time of day may have been set back in between.
  const attemptOfSandbox = new Map(sandboxes.map(({ id, attempt }) => [id, attempt]));
  const sandboxAttempt = ({ sandboxId }: RuntimeContainerStatus): number => attemptOfSandbox.get(sandboxId) ?? -1;
  for (const sameName of containers.values())
    sameName.sort(
      (left, right) =>
        sandboxAttempt(right) - sandboxAttempt(left) ||
        right.attempt - left.attempt ||
        right.createdAtMs - left.createdAtMs,
    );

  let addresses: readonly string[] = [];
  if (sandbox) {
    addresses = addressesOf.get(sandbox.id) ?? (await runtime.sandboxAddresses(sandbox.id));
    addressesOf.clear();
    addressesOf.set(sandbox.id, addresses);
  }
  return { sandboxes, sandbox, addresses, containers, signature: runtimeSignature([...sandboxes, ...listed]) };
}
