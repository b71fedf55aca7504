import * as cri from "../../edged/platform/generated/cri.ts";
import { type Container, commandProcessId } from "./container-record.ts";
import type { Sandbox } from "./sandboxes.ts";

type Labels = Readonly<Record<string, string>>;

const NANOS_PER_MS = 1_000_000n;

/** Whether what is listed is asked for. */
export function fits(
  filter: { readonly id?: string | undefined; readonly labelSelector?: Labels | undefined } | undefined,
  id: string,
  labels: Labels | undefined,
): boolean {
  if (filter?.id && filter.id !== id) return false;
  return Object.entries(filter?.labelSelector ?? {}).every(([name, value]) => labels?.[name] === value);
}

/** A sandbox as CRI shows it. */
export function sandboxItem({ id, config, createdAtMs }: Sandbox, isReady: boolean): cri.PodSandbox {
  return {
    id,
    metadata: config.metadata,
    state: isReady ? cri.PodSandboxState.SANDBOX_READY : cri.PodSandboxState.SANDBOX_NOTREADY,
    createdAt: nanos(createdAtMs),
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
  };
}

/** A container as CRI lists it. */
export function containerItem({ id, sandboxId, config, state, end }: Container): cri.Container {
  const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED } = cri.ContainerState;
  return {
    id,
    podSandboxId: sandboxId,
    metadata: config.metadata,
    image: { image: state.imageName },
    imageRef: state.imageId,
    state: end ? CONTAINER_EXITED : state.run ? CONTAINER_RUNNING : CONTAINER_CREATED,
    createdAt: nanos(state.createdAtMs),
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
  };
}

/** A container as CRI tells it alone. */
export function containerStatus(container: Container): cri.ContainerStatus {
  const { podSandboxId: _, ...item } = containerItem(container);
  const { state, end, config } = container;
  return {
    ...item,
    startedAt: nanos(state.run?.startedAtMs ?? 0),
    finishedAt: nanos(end?.finishedAtMs ?? 0),
    exitCode: end?.exitCode ?? 0,
    reason: end?.reason ?? "",
    message: "",
    logPath: config.logPath ?? "",
  };
}

/** As containerd tells it: by this process a pod's own stop signal reaches the container. */
export function containerInfo(container: Container): Record<string, string> {
  const { run } = container.state;
  return run && !container.end ? { info: JSON.stringify({ pid: commandProcessId(container, run) }) } : {};
}

function nanos(epochMs: number): bigint {
  return BigInt(Math.round(epochMs)) * NANOS_PER_MS;
}
