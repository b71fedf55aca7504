import type {
  ContainerRuntimeState,
  RuntimeContainer,
  RuntimeContainerStatus,
  RuntimeHandler,
  RuntimeImage,
  Sandbox,
} from "../ports.ts";
import * as cri from "./generated/cri.ts";

/** CRI's times are nanoseconds since the Unix epoch. */
const toMs = (nanoseconds: bigint | undefined): number => Number((nanoseconds ?? 0n) / 1_000_000n);

/** A sandbox from CRI's listing. */
export function fromSandbox(sandbox: cri.PodSandbox): Sandbox {
  return {
    id: sandbox.id ?? "",
    state: (sandbox.state ?? 0) === cri.PodSandboxState.SANDBOX_READY ? "ready" : "not-ready",
    attempt: sandbox.metadata?.attempt ?? 0,
    createdAtMs: toMs(sandbox.createdAt),
    labels: sandbox.labels ?? {},
    annotations: sandbox.annotations ?? {},
  };
}

/** A container from CRI's listing. */
export function fromContainer(container: cri.Container): RuntimeContainer {
  return {
    id: container.id ?? "",
    sandboxId: container.podSandboxId ?? "",
    name: container.metadata?.name ?? "",
    attempt: container.metadata?.attempt ?? 0,
    state: containerState(container.state),
    createdAtMs: toMs(container.createdAt),
    imageId: container.imageRef ?? "",
    labels: container.labels ?? {},
    annotations: container.annotations ?? {},
  };
}

/** A container's full status. CRI does not repeat the sandbox's id there. */
export function fromContainerStatus(status: cri.ContainerStatus): RuntimeContainerStatus {
  return {
    ...fromContainer(status),
    startedAtMs: toMs(status.startedAt),
    finishedAtMs: toMs(status.finishedAt),
    exitCode: status.exitCode ?? 0,
    reason: status.reason ?? "",
    message: status.message ?? "",
    image: status.image?.image ?? "",
  };
}

/** An image on the node. */
export function fromImage(image: cri.Image): RuntimeImage {
  return {
    id: image.id ?? "",
    repoTags: image.repoTags ?? [],
    sizeBytes: Number(image.size ?? 0n),
    ...(image.uid ? { userId: Number(image.uid.value ?? 0n) } : {}),
    ...(image.username ? { userName: image.username } : {}),
  };
}

/** One of the runtime's ways of running pods. */
export function fromHandler({ name, features }: cri.RuntimeHandler): RuntimeHandler {
  return {
    name: name ?? "",
    recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
    userNamespaces: features?.userNamespaces ?? false,
  };
}

function containerState(state: cri.ContainerState | undefined): ContainerRuntimeState {
  switch (state ?? cri.ContainerState.CONTAINER_CREATED) {
    case cri.ContainerState.CONTAINER_CREATED:
      return "created";
    case cri.ContainerState.CONTAINER_RUNNING:
      return "running";
    case cri.ContainerState.CONTAINER_EXITED:
      return "exited";
    default:
      return "unknown";
  }
}
