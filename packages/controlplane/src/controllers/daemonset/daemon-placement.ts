import type { DaemonSet, Node, Pod, Toleration } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { matchesNodeAffinity } from "../../scheduler/node-affinity.ts";
import { untoleratedTaint } from "../../scheduler/tolerations.ts";

/** Whether a node is to have a daemon, and whether one that is there may stay. */
export interface DaemonPlacement {
  readonly shouldRun: boolean;
  readonly mayContinue: boolean;
}

/** What daemons put up with on any node: they are part of the node's own equipment. */
const NO_EXECUTE = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const NO_SCHEDULE = [
  "node.kubernetes.io/disk-pressure",
  "node.kubernetes.io/memory-pressure",
  "node.kubernetes.io/pid-pressure",
  "node.kubernetes.io/unschedulable",
];
const NETWORK = "node.kubernetes.io/network-unavailable";

/** Tolerations of a DaemonSet's pods: its own and those that all daemons have. */
export function daemonTolerations(set: DaemonSet): Toleration[] {
  const { tolerations = [], hostNetwork } = set.spec.template.spec;
  const added: Toleration[] = [
    ...NO_EXECUTE.map((key): Toleration => ({ key, operator: "Exists", effect: "NoExecute" })),
    ...[...NO_SCHEDULE, ...(hostNetwork ? [NETWORK] : [])].map(
      (key): Toleration => ({ key, operator: "Exists", effect: "NoSchedule" }),
    ),
  ];
  const isThere = (wanted: Toleration): boolean =>
    tolerations.some(
      ({ key, effect, operator }) =>
        [key, effect, operator].join() === [wanted.key, wanted.effect, wanted.operator].join(),
    );
  return [...tolerations, ...added.filter((wanted) => !isThere(wanted))];
}

/** Whether a DaemonSet's pod belongs on the node: by name, labels and taints; room is the scheduler's business. */
export function daemonPlacement(set: DaemonSet, node: Node): DaemonPlacement {
  const { spec } = set.spec.template;
  const pod = { spec } as Pod;
  const isElsewhere = spec.nodeName !== undefined && spec.nodeName !== "" && spec.nodeName !== node.metadata.name;
  if (isElsewhere || !matchesNodeAffinity(pod, node)) return { shouldRun: false, mayContinue: false };
  const tolerations = daemonTolerations(set);
  const taints = node.spec?.taints;
  return {
    shouldRun: !untoleratedTaint(taints, tolerations, ["NoSchedule", "NoExecute"]),
    mayContinue: !untoleratedTaint(taints, tolerations, ["NoExecute"]),
  };
}

/** The affinity that lets the scheduler put a daemon on its node only. */
export function pinnedTo(affinity: JsonObject | undefined, nodeName: string): JsonObject {
  const nodeAffinity = isJsonObject(affinity?.["nodeAffinity"]) ? affinity["nodeAffinity"] : {};
  const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  return { ...affinity, nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required } };
}

/** The node that a daemon is on, or is meant for. */
export function nodeNameOf(pod: Pod): string {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const affinity = pod.spec.affinity?.["nodeAffinity"];
  const required = isJsonObject(affinity) ? affinity["requiredDuringSchedulingIgnoredDuringExecution"] : undefined;
  const terms = isJsonObject(required) ? required["nodeSelectorTerms"] : undefined;
  for (const term of Array.isArray(terms) ? terms.filter(isJsonObject) : []) {
    const fields = Array.isArray(term["matchFields"]) ? term["matchFields"].filter(isJsonObject) : [];
    for (const { key, operator, values } of fields)
      if (key === "metadata.name" && operator === "In" && Array.isArray(values) && values.length === 1)
        return String(values[0]);
  }
  return "";
}
