import type { Container, ContainerState, ContainerStatus, Pod } from "@skerry/api";
import { type JsonObject, toKubernetesTime } from "@skerry/base";
import { isRecursivelyReadOnly } from "../container/container-mounts.ts";
import type { Resources } from "../container/resize.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import { type Interruption, NODE_SHUTDOWN, wasInterrupted } from "./interruption.ts";
import { UNKNOWN_EXIT_CODE } from "./pod-plan.ts";
import { isLive, type PodRuntimeState } from "./pod-runtime-state.ts";
import { restartCountOf } from "./runtime-names.ts";

/** Why a container waits; the kubelet's words. */
export interface WaitReason {
  readonly reason: string;
  readonly message: string;
}

/** What the status of a container is made from, beside the runtime. */
export interface ContainerStatusContext {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly waitReasons: ReadonlyMap<string, WaitReason>;
  /** By container id. */
  readonly terminationMessages: ReadonlyMap<string, string>;
  readonly isReady: (container: Container, containerId: string) => boolean;
  readonly isStarted: (container: Container, containerId: string) => boolean;
  readonly lastStatuses: readonly ContainerStatus[];
  /** The pod is over or being deleted: what does not run will not run again. */
  readonly ending: boolean;
  readonly runtimeName: string;
  readonly resourcesOf: (container: RuntimeContainerStatus) => Resources | undefined;
  readonly recursiveReadOnlyMounts: boolean;
  readonly nowMs: number;
  /** Set in the last report before the machine goes down. */
  readonly interruption?: Interruption | undefined;
}

/** The API status of one container, as the kubelet would report it. */
export function containerStatus(container: Container, context: ContainerStatusContext): ContainerStatus {
  const history = context.state.containers.get(container.name) ?? [];
  const [latest, previous] = history;
  const last = context.lastStatuses.find(({ name }) => name === container.name);
  const volumeMounts = reportedVolumeMounts(container, context.recursiveReadOnlyMounts);
  const extras: JsonObject = volumeMounts.length > 0 ? { volumeMounts } : {};

  if (!latest || latest.state === "created") {
    const lost = lostContainer(last, context.nowMs);
    const before = previous?.state === "exited" ? terminated(previous, context) : lost;
    const waiting = context.waitReasons.get(container.name) ?? defaultWaitReason(context.pod);
    const over = context.ending && before;
    return {
      ...(last?.containerID && over ? { containerID: last.containerID } : {}),
      image: (over && last?.image) || (container.image ?? ""),
      imageID: (over && last?.imageID) || "",
      lastState: over || !before ? {} : before,
      name: container.name,
      ready: false,
      restartCount: last?.restartCount ?? 0,
      started: false,
      state: over ? before : { waiting: { reason: waiting.reason, ...messageOf(waiting.message) } },
      ...extras,
    };
  }

  const live = isLive(context.state, latest);
  const waiting = live || context.ending ? undefined : context.waitReasons.get(container.name);
  const before = previous?.state === "exited" ? terminated(previous, context) : {};
  return {
    containerID: `${context.runtimeName}://${latest.id}`,
    image: latest.image,
    imageID: latest.imageId,
    lastState: waiting ? terminated(latest, context) : before,
    name: container.name,
    ready: live && context.isReady(container, latest.id),
    restartCount: restartCountOf(latest),
    started: live && context.isStarted(container, latest.id),
    state: waiting
      ? { waiting: { reason: waiting.reason, ...messageOf(waiting.message) } }
      : live
        ? { running: { startedAt: toKubernetesTime(latest.startedAtMs) } }
        : terminated(latest, context),
    ...extras,
    ...(live ? { ...allocated(container), ...resourcesNow(context.resourcesOf(latest)) } : {}),
  };
}

/** What the container has a place for on the node, of the pod as it may be now. */
function allocated({ resources: { requests } = {} }: Container): Pick<ContainerStatus, "allocatedResources"> {
  return requests && Object.keys(requests).length > 0 ? { allocatedResources: requests } : {};
}

/** A container without any limits and requests says nothing of them. */
function resourcesNow(resources: Resources | undefined): { resources?: Resources } {
  const isAny = resources && Object.values(resources).some((quantities) => Object.keys(quantities).length > 0);
  return isAny ? { resources } : {};
}

function terminated(container: RuntimeContainerStatus, context: ContainerStatusContext): ContainerState {
  const message = context.terminationMessages.get(container.id) || container.message;
  const seen = container.state === "exited";
  const exitCode = seen ? container.exitCode : UNKNOWN_EXIT_CODE;
  const last = context.lastStatuses.find(({ name }) => name === container.name);
  const isInterrupted = context.interruption?.containerIds.has(container.id) || wasInterrupted(last, container.id);
  return {
    terminated: {
      containerID: `${context.runtimeName}://${container.id}`,
      exitCode,
      finishedAt: toKubernetesTime(container.finishedAtMs || context.nowMs),
      ...messageOf(message),
      reason: isInterrupted
        ? NODE_SHUTDOWN
        : seen
          ? container.reason || (exitCode === 0 ? "Completed" : "Error")
          : "ContainerStatusUnknown",
      startedAt: toKubernetesTime(container.startedAtMs || container.createdAtMs),
    },
  };
}

/** A container that was reported running and that the runtime no longer knows. */
function lostContainer(last: ContainerStatus | undefined, nowMs: number): ContainerState | undefined {
  if (!last) return undefined;
  if (last.state?.terminated) return { terminated: last.state.terminated };
  if (!last.state?.running) return last.lastState?.terminated ? { terminated: last.lastState.terminated } : undefined;
  return {
    terminated: {
      ...(last.containerID ? { containerID: last.containerID } : {}),
      exitCode: UNKNOWN_EXIT_CODE,
      finishedAt: toKubernetesTime(nowMs),
      message: "The container could not be located when the pod was terminated",
      reason: "ContainerStatusUnknown",
      ...(last.state.running.startedAt ? { startedAt: last.state.running.startedAt } : {}),
    },
  };
}

function defaultWaitReason(pod: Pod): WaitReason {
  const hasInit = (pod.spec.initContainers ?? []).length > 0;
  return { reason: hasInit ? "PodInitializing" : "ContainerCreating", message: "" };
}

function messageOf(message: string): { message?: string } {
  return message === "" ? {} : { message };
}

function reportedVolumeMounts(container: Container, canRecurse: boolean): JsonObject[] {
  return (container.volumeMounts ?? []).map((mount) => ({
    mountPath: mount.mountPath,
    name: mount.name,
    ...(mount.readOnly
      ? { readOnly: true, recursiveReadOnly: canRecurse && isRecursivelyReadOnly(mount) ? "Enabled" : "Disabled" }
      : {}),
  }));
}
