import type { Node, Pod } from "@skerry/api";
import { controllerOf } from "../controllers/owner-references.ts";
import { matchesNodeAffinity, preferredAffinityWeight } from "./node-affinity.ts";
import { type PlacedPod, podAffinityViolation } from "./pod-affinity.ts";
import { type Amounts, addTo, amountsOf, podRequests } from "./resource-requests.ts";
import { untoleratedTaint } from "./tolerations.ts";

/** A node and the pods that live there or are about to. */
export interface NodeView {
  readonly node: Node;
  readonly pods: readonly Pod[];
}

/** Where a pod goes, or why nowhere. */
export type Placement =
  | { readonly kind: "node"; readonly name: string }
  | { readonly kind: "nowhere"; readonly message: string };

/**
 * Chooses a node for a pod: of those that fit, one without taints it would rather avoid, with the most wanted labels,
 * with the fewest siblings and then the fewest pods. Deterministic: the name decides between equals.
 *
 * Not covered: preemption, volume topology, `topologySpreadConstraints` and preferred pod affinity (see
 * {@link unsupportedRequirement}: what would break a hard rule is said, not ignored).
 */
export function placePod(pod: Pod, views: readonly NodeView[]): Placement {
  if (views.length === 0) return { kind: "nowhere", message: "no nodes available to schedule pods" };
  const unsupported = unsupportedRequirement(pod);
  if (unsupported) return { kind: "nowhere", message: `0/${views.length} nodes are available: ${unsupported}` };
  const requests = podRequests(pod);
  const placed: PlacedPod[] = views.flatMap(({ node, pods }) => pods.map((other) => ({ pod: other, node })));
  const reasons = new Map<string, number>();
  const fitting: NodeView[] = [];
  for (const view of views) {
    const found = reasonsAgainst(pod, requests, view, placed);
    for (const reason of found) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (found.length === 0) fitting.push(view);
  }
  const best = fitting.map((view) => ({ view, score: scoreOf(pod, view) })).sort(compareScores)[0];
  if (best) return { kind: "node", name: best.view.node.metadata.name };
  const counted = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return { kind: "nowhere", message: `0/${views.length} nodes are available: ${counted.join(", ")}.` };
}

/** A hard requirement of the pod that this scheduler cannot check, in words for its owner. */
export function unsupportedRequirement(pod: Pod): string | undefined {
  const { topologySpreadConstraints } = pod.spec as { topologySpreadConstraints?: { whenUnsatisfiable?: string }[] };
  if (topologySpreadConstraints?.some(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule"))
    return "topologySpreadConstraints with whenUnsatisfiable DoNotSchedule are not supported by this scheduler; use ScheduleAnyway or pod anti-affinity.";
  return undefined;
}

/** Why the pod cannot go to the node, worded as the Kubernetes scheduler does; the first failing filter decides. */
function reasonsAgainst(pod: Pod, requests: Amounts, view: NodeView, placed: readonly PlacedPod[]): string[] {
  const { node } = view;
  const tolerations = pod.spec.tolerations;
  const unschedulable = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;
  if (node.spec?.unschedulable && untoleratedTaint([unschedulable], tolerations, ["NoSchedule"]))
    return ["node(s) were unschedulable"];
  const taint = untoleratedTaint(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"]);
  if (taint) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`];
  if (!matchesNodeAffinity(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  if (hasPortConflict(pod, view.pods)) return ["node(s) didn't have free ports for the requested pod ports"];
  const short = insufficientResources(requests, view);
  if (short.length > 0) return short;
  const violation = podAffinityViolation(pod, node, placed);
  return violation ? [violation] : [];
}

function insufficientResources(requests: Amounts, { node, pods }: NodeView): string[] {
  const allocatable = amountsOf(node.status?.allocatable);
  const short: string[] = [];
  const podLimit = allocatable.get("pods") ?? 0n;
  if (BigInt(pods.length + 1) * 1_000_000_000n > podLimit) short.push("Too many pods");
  const used = new Map<string, bigint>();
  for (const other of pods) addTo(used, podRequests(other));
  for (const [name, amount] of requests) {
    if (amount > 0n && amount + (used.get(name) ?? 0n) > (allocatable.get(name) ?? 0n))
      short.push(`Insufficient ${name}`);
  }
  return short;
}

function hasPortConflict(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap(hostPorts);
  return hostPorts(pod).some((port) =>
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

/** Smaller is better; compared from left to right. */
function scoreOf(pod: Pod, { node, pods }: NodeView): number[] {
  const avoided = (node.spec?.taints ?? []).filter(
    (taint) => untoleratedTaint([taint], pod.spec.tolerations, ["PreferNoSchedule"]) !== undefined,
  );
  const owner = controllerOf(pod)?.uid;
  const siblings = owner === undefined ? [] : pods.filter((other) => controllerOf(other)?.uid === owner);
  return [avoided.length, -preferredAffinityWeight(pod, node), siblings.length, pods.length];
}

function compareScores(
  left: { view: NodeView; score: readonly number[] },
  right: { view: NodeView; score: readonly number[] },
): number {
  for (const [index, value] of left.score.entries()) {
    const difference = value - (right.score[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.view.node.metadata.name < right.view.node.metadata.name ? -1 : 1;
}
