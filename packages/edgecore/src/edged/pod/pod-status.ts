import type { Condition, ContainerStatus, Pod, PodStatus } from "@skerry/api";
import { toKubernetesTime } from "@skerry/base";
import { type ContainerStatusContext, containerStatus } from "./container-status.ts";
import { SHUTDOWN_MESSAGE, TERMINATED } from "./interruption.ts";
import type { ResizeObstacle } from "./pod-admission.ts";
import type { PodFailure } from "./pod-failure.ts";
import { allContainers } from "./pod-runtime-state.ts";
import { isSidecar } from "./restart-policy.ts";

type PodPhase = NonNullable<PodStatus["phase"]>;

/** What a pod's status is made from. */
export interface PodStatusContext extends Omit<ContainerStatusContext, "lastStatuses"> {
  readonly last: PodStatus | undefined;
  readonly hostIps: readonly string[];
  /** Set when the pod is over for a reason of its own, e.g. its deadline. */
  readonly failure: PodFailure | undefined;
  /** Why it keeps the resources it has. */
  readonly pendingResize: ResizeObstacle | undefined;
  /** Why the runtime does not give it others. */
  readonly resizeError: string | undefined;
  /** It waits for its release on the node. */
  readonly isHeld: boolean;
}

/** Order of the conditions on the wire. */
const HELD = "HeldUpgrade";
const DISRUPTION = "DisruptionTarget";
const HELD_WHY = { reason: "HoldUpgradeEnabled", message: "held by its annotation" };
const RESIZE_PENDING = "PodResizePending";
const RESIZE_IN_PROGRESS = "PodResizeInProgress";
const CONDITION_ORDER: readonly string[] = [
  DISRUPTION,
  HELD,
  RESIZE_PENDING,
  RESIZE_IN_PROGRESS,
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
];

/** The pod's status as the kubelet would report it. Pure; members in a stable order. */
export function podStatus(context: PodStatusContext): PodStatus {
  const { pod, last, state } = context;
  const lastStatuses = [
    ...(last?.containerStatuses ?? []),
    ...(last?.initContainerStatuses ?? []),
    ...(last?.ephemeralContainerStatuses ?? []),
  ];
  const containers = pod.spec.containers.map((container) => containerStatus(container, { ...context, lastStatuses }));
  const inits = (pod.spec.initContainers ?? []).map((container) =>
    initStatus(containerStatus(container, { ...context, lastStatuses }), isSidecar(container)),
  );
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) =>
    ephemeralStatus(containerStatus(container, { ...context, lastStatuses })),
  );
  const phase = context.failure ? "Failed" : phaseOf(context, containers, inits);
  const over = phase === "Succeeded" || phase === "Failed";
  // Of a pod that was never let in the kubelet tells no containers: users see the reason instead of them.
  const isRejected = over && state.containers.size === 0 && !last?.containerStatuses?.length;
  const hostNetwork = pod.spec.hostNetwork === true;
  const { hostIps } = context;
  const addresses = hostNetwork && hostIps.length > 0 && state.sandbox ? hostIps : state.addresses;
  // The address of a pod that is over or between two sandboxes is still the last one it had.
  const podIps = addresses.length > 0 ? addresses.map((ip) => ({ ip })) : (last?.podIPs ?? []);
  const nowText = toKubernetesTime(context.nowMs);
  const [podIp] = podIps;
  return {
    phase,
    ...failureOf(context),
    conditions: conditions(context, phase, containers, inits).map((condition) =>
      withTransitionTime(condition, [...(last?.conditions ?? []), ...(pod.status?.conditions ?? [])], nowText),
    ),
    ...(hostIps[0] === undefined ? {} : { hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIp ? { podIP: podIp.ip, podIPs: podIps } : {}),
    startTime: last?.startTime ?? pod.status?.startTime ?? nowText,
    ...(inits.length > 0 && !isRejected ? { initContainerStatuses: inits } : {}),
    containerStatuses: isRejected
      ? []
      : over
        ? containers.map((status) => ({ ...status, ready: false, started: false }))
        : containers,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...(pod.status?.qosClass ? { qosClass: pod.status.qosClass } : {}),
  };
}

/** Why the pod failed as a whole, which stays once it is said; or that the machine goes down. */
function failureOf({ failure, last, interruption }: PodStatusContext): { reason?: string; message?: string } {
  if (interruption) return { reason: TERMINATED, message: SHUTDOWN_MESSAGE };
  if (failure) return { reason: failure.reason, message: failure.message };
  if (last?.phase !== "Failed") return {};
  return { ...(last.reason ? { reason: last.reason } : {}), ...(last.message ? { message: last.message } : {}) };
}

/** A finished init container is what "ready" means for it. */
function initStatus(status: ContainerStatus, sidecar: boolean): ContainerStatus {
  return sidecar ? status : { ...status, ready: status.state?.terminated?.exitCode === 0 };
}

/** Whoever looks into a pod is no part of whether it is ready; one that was lost does not come back. */
function ephemeralStatus({ started: _started, ...status }: ContainerStatus): ContainerStatus {
  const { state, lastState } = status;
  if (!state?.waiting || !lastState?.terminated) return { ...status, ready: false };
  return { ...status, ready: false, state: { terminated: lastState.terminated }, lastState: {} };
}

function phaseOf(
  context: PodStatusContext,
  containers: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): PodPhase {
  const { last } = context;
  if (last?.phase === "Succeeded" || last?.phase === "Failed") return last.phase;
  const phase = phaseByContainers(context, containers, inits);
  const isOver = phase === "Succeeded" || phase === "Failed";
  // Only when nothing of it lives any more, a sidecar neither: others take an ended pod's place.
  return isOver && allContainers(context.state).some(({ state }) => state === "running") ? "Running" : phase;
}

function phaseByContainers(
  { pod, ending }: PodStatusContext,
  containers: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): PodPhase {
  const pendingInits = inits.filter((status) => !isInitialized(pod, status));
  const stopped = containers.filter((status) => status.state?.terminated);
  const running = containers.filter((status) => status.state?.running);
  const neverRan = containers.filter((status) => status.state?.waiting && !status.lastState?.terminated);
  if (ending) {
    // They cannot have ended without the init containers before them; how a sidecar ended does not count.
    const allSucceeded =
      stopped.length === containers.length && stopped.every((s) => s.state?.terminated?.exitCode === 0);
    return allSucceeded ? "Succeeded" : "Failed";
  }
  if (pendingInits.length > 0 && running.length === 0) return "Pending";
  return neverRan.length > 0 ? "Pending" : "Running";
}

function isInitialized(pod: Pod, status: ContainerStatus): boolean {
  const container = pod.spec.initContainers?.find(({ name }) => name === status.name);
  if (container && isSidecar(container)) return status.started === true;
  return status.state?.terminated?.exitCode === 0;
}

function conditions(
  context: PodStatusContext,
  phase: PodPhase,
  containers: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): Condition[] {
  const { pod, state, failure, last } = context;
  const disruption: Condition | undefined = failure?.isDisruption
    ? { type: DISRUPTION, status: "True", reason: "TerminationByKubelet", message: failure.message }
    : last?.conditions?.find(({ type }) => type === DISRUPTION);
  const networked = state.sandbox !== undefined && (pod.spec.hostNetwork === true || state.addresses.length > 0);
  const error = context.resizeError === undefined ? undefined : { reason: "Error", message: context.resizeError };
  const made: Condition[] = [
    { type: "PodReadyToStartContainers", status: networked ? "True" : "False" },
    initialized(pod, phase, containers, inits),
    ready("Ready", context, phase, containers),
    ready("ContainersReady", context, phase, containers),
    { type: "PodScheduled", status: "True" },
    ...(disruption ? [disruption] : []),
    // The held upgrade is KubeEdge's.
    ...lasting(HELD, context.isHeld ? HELD_WHY : undefined, last, { reason: "Released" }),
    ...lasting(RESIZE_PENDING, context.pendingResize, last),
    ...lasting(RESIZE_IN_PROGRESS, error, last),
  ];
  return made.sort((left, right) => CONDITION_ORDER.indexOf(left.type) - CONDITION_ORDER.indexOf(right.type));
}

/** Once it was told it does not vanish: a status that never reached the cloud may have been the one without it. */
function lasting(
  type: string,
  told: Pick<Condition, "reason" | "message"> | undefined,
  last: PodStatus | undefined,
  over: Pick<Condition, "reason"> = {},
): Condition[] {
  if (told) return [{ type, status: "True", ...told }];
  const wasTold = last?.conditions?.some((condition) => condition.type === type) ?? false;
  return wasTold ? [{ type, status: "False", ...over }] : [];
}

function initialized(
  pod: Pod,
  phase: PodPhase,
  containers: readonly ContainerStatus[],
  inits: readonly ContainerStatus[],
): Condition {
  const type = "Initialized";
  if (phase === "Succeeded") return { type, status: "True", reason: "PodCompleted" };
  const incomplete = inits.filter((status) => !isInitialized(pod, status)).map(({ name }) => name);
  // Once something proper has run, initialisation is over, even when the traces of it are gone.
  const began = containers.some(({ state, lastState }) => state?.terminated ?? lastState?.terminated);
  if (incomplete.length === 0 || began || phase === "Running") return { type, status: "True" };
  return {
    type,
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.join(" ")}]`,
  };
}

function ready(
  type: "Ready" | "ContainersReady",
  context: PodStatusContext,
  phase: PodPhase,
  containers: readonly ContainerStatus[],
): Condition {
  if (phase === "Succeeded") return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const unready = containers.filter((status) => !status.ready).map(({ name }) => name);
  if (unready.length > 0)
    return {
      type,
      status: "False",
      reason: "ContainersNotReady",
      message: `containers with unready status: [${unready.join(" ")}]`,
    };
  if (type === "Ready") {
    const missing = missingGates(context.pod);
    if (missing.length > 0)
      return {
        type,
        status: "False",
        reason: "ReadinessGatesNotReady",
        message: `corresponding condition of pod readiness gate "${missing[0]}" does not exist or is not True`,
      };
  }
  return { type, status: "True" };
}

/** Readiness gates (conditions others must set) that are not True. */
function missingGates(pod: Pod): string[] {
  const gates = (pod.spec as { readinessGates?: { conditionType: string }[] }).readinessGates ?? [];
  return gates
    .map(({ conditionType }) => conditionType)
    .filter((type) => pod.status?.conditions?.find((condition) => condition.type === type)?.status !== "True");
}

function withTransitionTime(condition: Condition, before: readonly Condition[], nowText: string): Condition {
  const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
  return { ...condition, lastProbeTime: null, lastTransitionTime: same?.lastTransitionTime ?? nowText };
}
