import type { Condition, Node, NodeStatus } from "@skerry/api";
import { toKubernetesTime } from "@skerry/base";
import type { ByteBudgetStatus } from "@skerry/link";
import type { EdgedConfig } from "../config.ts";
import type { DeviceCount } from "../devices/container-devices.ts";
import type { PressureCondition } from "../eviction/pressure.ts";
import type { HostFacts, RuntimeFeatures } from "../ports.ts";
import { allocatableOf } from "./allocatable.ts";

/** What a node's status is made from. */
export interface NodeFacts {
  readonly config: EdgedConfig;
  readonly host: HostFacts;
  /** Size of the file system that pods' files are on. */
  readonly diskBytes: number;
  /** What the node is short of. */
  readonly pressure: ReadonlySet<PressureCondition>;
  readonly devices: ReadonlyMap<string, DeviceCount>;
  readonly addresses: readonly string[];
  readonly runtime: { readonly name: string; readonly version: string } | undefined;
  /** What the runtime says it can; undefined until it answered. */
  readonly features?: Pick<RuntimeFeatures, "handlers" | "onlyTheseGroups"> | undefined;
  /** Why the node cannot run pods; undefined when it can. */
  readonly notReady: string | undefined;
  /** Of the link; undefined: it is not limited. */
  readonly byteBudget?: ByteBudgetStatus | undefined;
  /** Left out: not known, so those told before stay. */
  readonly images?: NodeStatus["images"];
  /** Conditions last reported, for their transition times. */
  readonly before: readonly Condition[];
  readonly nowMs: number;
}

const BUDGET_CONDITION = "LinkByteBudgetSpent";
/** Go's names of what Node.js calls otherwise. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** `amd64`, `arm64`, `arm`, … */
export function goArchitecture(architecture: string): string {
  return GO_ARCHITECTURES[architecture] ?? architecture;
}

/** The labels an edge node carries (edge.md 8.4). */
export function nodeLabels(config: EdgedConfig, host: HostFacts): Record<string, string> {
  const architecture = goArchitecture(host.architecture);
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": host.operatingSystem,
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": config.nodeName,
    "kubernetes.io/os": host.operatingSystem,
    "node-role.kubernetes.io/agent": "",
    "node-role.kubernetes.io/edge": "",
    ...config.labels,
  };
}

/** The Node that a registration creates (U4). */
export function nodeObject(facts: NodeFacts): Node {
  const { config, host } = facts;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: config.nodeName,
      creationTimestamp: null,
      labels: nodeLabels(config, host),
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: config.taints.length > 0 ? { taints: [...config.taints] } : {},
    status: nodeStatus(facts),
  };
}

/** Those of the usual sizes are always told, as the kubelet does. */
function hugePages({ hugePageBytes }: HostFacts): Record<string, string> {
  const entries = Object.entries({ "1Gi": 0, "2Mi": 0, ...hugePageBytes });
  return Object.fromEntries(
    entries.map(([size, bytes]) => [`hugepages-${size}`, bytes === 0 ? "0" : `${bytes / 1024 ** 2}Mi`]),
  );
}

/** The node's status as KubeEdge reports it: conditions in its order, its texts. */
export function nodeStatus(facts: NodeFacts): NodeStatus {
  const { config, host, diskBytes, runtime, images } = facts;
  const { cpuMilli, memoryBytes, storageBytes } = allocatableOf(config, host, diskBytes);
  const fixed = {
    ...hugePages(host),
    pods: String(config.maxPods),
  };
  return {
    capacity: {
      cpu: String(host.cpuCount),
      ...fixed,
      "ephemeral-storage": `${Math.floor(diskBytes / 1024)}Ki`,
      memory: `${Math.floor(host.memoryBytes / 1024)}Ki`,
      ...deviceAmounts(facts, "capacity"),
    },
    allocatable: {
      cpu: cpuMilli % 1000 === 0 ? String(cpuMilli / 1000) : `${cpuMilli}m`,
      ...fixed,
      "ephemeral-storage": String(storageBytes),
      memory: `${Math.floor(memoryBytes / 1024)}Ki`,
      ...deviceAmounts(facts, "allocatable"),
    },
    conditions: nodeConditions(facts),
    addresses: [
      ...facts.addresses.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: config.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: config.kubeletPort } },
    nodeInfo: {
      machineID: host.machineId,
      systemUUID: host.systemUuid,
      bootID: host.bootId,
      kernelVersion: host.kernelVersion,
      osImage: host.osImage,
      containerRuntimeVersion: runtime ? `${runtime.name}://${runtime.version}` : "",
      kubeletVersion: config.kubeletVersion,
      kubeProxyVersion: "",
      operatingSystem: host.operatingSystem,
      architecture: goArchitecture(host.architecture),
    },
    ...runtimeAbilities(facts),
    ...(images ? { images } : {}),
  };
}

/** Nothing before the runtime said; what one before could must not stay when this one has none of it. */
function runtimeAbilities({ features }: NodeFacts): Pick<NodeStatus, "runtimeHandlers" | "features"> {
  if (!features) return {};
  return {
    runtimeHandlers: features.handlers.map(({ name, ...abilities }) => ({ name, features: abilities })),
    features: { supplementalGroupsPolicy: features.onlyTheseGroups },
  };
}

function deviceAmounts({ devices }: NodeFacts, which: keyof DeviceCount): Record<string, string> {
  return Object.fromEntries([...devices].map(([resource, count]) => [resource, String(count[which])]));
}

function nodeConditions({ pressure, notReady, byteBudget, before, nowMs }: NodeFacts): Condition[] {
  const made: [type: string, status: boolean, reason: string, message: string][] = [
    pressure.has("MemoryPressure")
      ? ["MemoryPressure", true, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"]
      : ["MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    pressure.has("DiskPressure")
      ? ["DiskPressure", true, "KubeletHasDiskPressure", "kubelet has disk pressure"]
      : ["DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    pressure.has("PIDPressure")
      ? ["PIDPressure", true, "KubeletHasInsufficientPID", "kubelet has insufficient PID available"]
      : ["PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    notReady === undefined
      ? ["Ready", true, "EdgeReady", "edge is posting ready status"]
      : ["Ready", false, "KubeletNotReady", notReady],
    ...budgetConditions(byteBudget, before),
  ];
  const nowText = toKubernetesTime(nowMs);
  return made.map(([type, value, reason, message]) => {
    const status = value ? "True" : "False";
    const same = before.find((condition) => condition.type === type && condition.status === status);
    return {
      type,
      status,
      lastHeartbeatTime: nowText,
      lastTransitionTime: same?.lastTransitionTime ?? nowText,
      reason,
      message,
    };
  });
}

/** A condition once reported is not taken away by leaving it out of the next report. */
function budgetConditions(
  budget: ByteBudgetStatus | undefined,
  before: readonly Condition[],
): ReturnType<typeof budgetCondition>[] {
  if (budget) return [budgetCondition(budget)];
  if (!before.some(({ type }) => type === BUDGET_CONDITION)) return [];
  return [[BUDGET_CONDITION, false, "NoBudget", "the link has no byte budget"]];
}

/** Without the figures: each change of a condition is a report. */
function budgetCondition({
  stage,
}: ByteBudgetStatus): [type: string, status: boolean, reason: string, message: string] {
  const type = BUDGET_CONDITION;
  switch (stage) {
    case "within":
      return [type, false, "WithinBudget", "everything is sent"];
    case "telemetry-held":
      return [type, true, "TelemetryHeld", "telemetry waits until the link's byte budget fills"];
    case "events-held":
      return [type, true, "EventsHeld", "telemetry and events wait until the link's byte budget fills"];
    case "states-rarer":
      return [type, true, "StatesRarer", "telemetry and events wait, states are sent once a minute; control goes on"];
  }
}

/** The whole status as a strategic merge patch text (U6). */
export function nodeStatusPatch(status: NodeStatus): string {
  const conditions = status.conditions ?? [];
  return JSON.stringify({
    status: {
      "$setElementOrder/conditions": conditions.map(({ type }) => ({ type })),
      ...status,
      addresses: [{ $patch: "replace" }, ...(status.addresses ?? [])],
    },
  });
}

/** What makes a status worth sending before its time: everything but the heartbeats. */
export function nodeStatusEssence(status: NodeStatus): string {
  return JSON.stringify({
    ...status,
    conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest),
  });
}
