import type { Pod } from "@skerry/api";
import { amountsOf } from "@skerry/kube";
import { matchesNodeAffinity } from "./node-affinity.ts";
import type { ClusterView, NodeView, ViewFacts } from "./node-view.ts";
import { podAffinityViolation } from "./pod-affinity.ts";
import { untoleratedTaint } from "./tolerations.ts";
import type { SpreadRules } from "./topology-spread.ts";
import type { VolumeRules } from "./volume-binding.ts";

/** Why a pod cannot go to a node, worded as the Kubernetes scheduler does. */
export interface Refusal {
  readonly reasons: readonly string[];
  /** Whether it might if other pods were not there. */
  readonly isByPods: boolean;
}

/** What the filters know of the pod besides its spec. */
export interface FitRules {
  readonly spread: SpreadRules;
  readonly volumes: VolumeRules;
}

const UNSCHEDULABLE = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;
const ONE_POD = 1_000_000_000n;

/** Why the pod cannot go to the node; undefined when it can. The first failing filter decides, as in Kubernetes. */
export function refusalOf(pod: Pod, view: NodeView, cluster: ClusterView, rules: FitRules): Refusal | undefined {
  const { node } = view;
  const { tolerations } = pod.spec;
  const never = (reason: string): Refusal => ({ reasons: [reason], isByPods: false });
  const byPods = (...reasons: string[]): Refusal => ({ reasons, isByPods: true });
  if (node.spec?.unschedulable && untoleratedTaint([UNSCHEDULABLE], tolerations, ["NoSchedule"]))
    return never("node(s) were unschedulable");
  const taint = untoleratedTaint(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"]);
  if (taint) return never(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`);
  if (!matchesNodeAffinity(pod, node)) return never("node(s) didn't match Pod's node affinity/selector");
  if (hasPortConflict(pod, view.pods)) return byPods("node(s) didn't have free ports for the requested pod ports");
  const short = insufficientResources(pod, view, cluster.facts);
  if (short.length > 0) return byPods(...short);
  const volume = rules.volumes.reasonAgainst(node);
  if (volume !== undefined) return never(volume);
  const spread = rules.spread.reasonAgainst(node, cluster);
  if (spread) return spread.isByPods ? byPods(spread.reason) : never(spread.reason);
  const violation = podAffinityViolation(pod, node, cluster);
  if (violation === undefined) return undefined;
  return violation.includes("anti-affinity") ? byPods(violation) : never(violation);
}

function insufficientResources(pod: Pod, view: NodeView, facts: ViewFacts): string[] {
  const { node, pods } = view;
  const allocatable = amountsOf(node.status?.allocatable);
  const short: string[] = [];
  if (BigInt(pods.length + 1) * ONE_POD > (allocatable.get("pods") ?? 0n)) short.push("Too many pods");
  const wanted = facts.requestsOf(pod);
  const used = facts.usedOn(view);
  for (const [name, amount] of wanted) {
    if (amount > 0n && amount + (used.get(name) ?? 0n) > (allocatable.get(name) ?? 0n))
      short.push(`Insufficient ${name}`);
  }
  return short;
}

function hasPortConflict(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPorts);
  return wanted.some((port) =>
    taken.some(
      (other) =>
        port.number === other.number &&
        port.protocol === other.protocol &&
        (port.address === other.address || port.address === "0.0.0.0" || other.address === "0.0.0.0"),
    ),
  );
}

function hostPorts(pod: Pod): { number: number; protocol: string; address: string }[] {
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort, hostIP, protocol = "TCP" }) => {
      const number = hostPort ?? (pod.spec.hostNetwork ? containerPort : 0);
      return number > 0 ? [{ number, protocol, address: hostIP || "0.0.0.0" }] : [];
    }),
  );
}
