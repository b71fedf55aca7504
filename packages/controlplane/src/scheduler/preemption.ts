import type { Pod, PodDisruptionBudget } from "@skerry/api";
import { labelSelectorPredicate } from "@skerry/kube";
import { refusalOf } from "./node-fit.ts";
import type { NodeView } from "./node-view.ts";
import type { RefusedPlacement } from "./placement.ts";

/** What came of looking for pods that have to make room. */
export type Preemption =
  | { readonly kind: "victims"; readonly nodeName: string; readonly victims: readonly Pod[] }
  /** Worded as the Kubernetes scheduler does. */
  | { readonly kind: "none"; readonly message: string };

interface Candidate {
  readonly nodeName: string;
  readonly victims: readonly Pod[];
  readonly violationCount: number;
}

/**
 * Which pods of lower priority have to go so that the pod fits on a node: as few, as unimportant and as little
 * protected by disruption budgets as possible.
 */
export function preemption(pod: Pod, refused: RefusedPlacement, budgets: readonly PodDisruptionBudget[]): Preemption {
  const { nodes } = refused.cluster;
  if (pod.spec.preemptionPolicy === "Never")
    return { kind: "none", message: "preemption: not eligible due to preemptionPolicy=Never." };
  if (isMakingRoom(pod, nodes))
    return { kind: "none", message: "preemption: not eligible due to a terminating pod on the nominated node." };
  const candidates: Candidate[] = [];
  let [hopeless, without] = [0, 0];
  for (const view of nodes) {
    if (!refused.refusals.get(view)?.isByPods) {
      hopeless++;
      continue;
    }
    const candidate = candidateOn(pod, view, refused, budgets);
    if (candidate) candidates.push(candidate);
    else without++;
  }
  const best = candidates.sort(compareCandidates)[0];
  if (best) return { kind: "victims", nodeName: best.nodeName, victims: best.victims };
  const reasons = [
    ...(without > 0 ? [`${without} No preemption victims found for incoming pod`] : []),
    ...(hopeless > 0 ? [`${hopeless} Preemption is not helpful for scheduling`] : []),
  ];
  return { kind: "none", message: `preemption: 0/${nodes.length} nodes are available: ${reasons.join(", ")}.` };
}

/** How important a pod is; 0 for one that is gone. */
export function priorityOf(pod: Pod | undefined): number {
  return pod?.spec.priority ?? 0;
}

/** The node that a pod was promised. */
export function nominatedNodeOf({ status }: Pod): string {
  return (status as { nominatedNodeName?: string } | undefined)?.nominatedNodeName ?? "";
}

/** Whether pods are already on their way out for this one. */
function isMakingRoom(pod: Pod, nodes: readonly NodeView[]): boolean {
  const nominated = nominatedNodeOf(pod);
  const view = nominated === "" ? undefined : nodes.find(({ node }) => node.metadata.name === nominated);
  return view?.pods.some((other) => other.metadata.deletionTimestamp && priorityOf(other) < priorityOf(pod)) === true;
}

function candidateOn(
  pod: Pod,
  view: NodeView,
  { cluster, rules }: RefusedPlacement,
  budgets: readonly PodDisruptionBudget[],
): Candidate | undefined {
  const lower = view.pods.filter((other) => priorityOf(other) < priorityOf(pod));
  if (lower.length === 0) return undefined;
  const fitsWith = (pods: readonly Pod[]): boolean => {
    const changed: NodeView = { node: view.node, pods };
    return refusalOf(pod, changed, cluster.with(changed), rules) === undefined;
  };
  let kept = view.pods.filter((other) => !lower.includes(other));
  if (!fitsWith(kept)) return undefined;
  const violating = overBudget(lower, budgets);
  const victims: Pod[] = [];
  // Those that are protected, then the important and the old ones, are spared first.
  const order = [...lower].sort(
    (left, right) =>
      Number(violating.has(right)) - Number(violating.has(left)) ||
      priorityOf(right) - priorityOf(left) ||
      (startedAt(left) < startedAt(right) ? -1 : 1),
  );
  for (const each of order) {
    const more = [...kept, each];
    if (fitsWith(more)) kept = more;
    else victims.push(each);
  }
  const violationCount = victims.filter((each) => violating.has(each)).length;
  return { nodeName: view.node.metadata.name, victims, violationCount };
}

/** The pods whose disruption budgets would not allow all of them to go. */
function overBudget(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]): Set<Pod> {
  const allowed = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const over = new Set<Pod>();
  for (const pod of pods)
    for (const budget of budgets) {
      const isOfIt =
        budget.metadata.namespace === pod.metadata.namespace &&
        budget.spec.selector !== undefined &&
        labelSelectorPredicate(budget.spec.selector)(pod.metadata.labels);
      if (!isOfIt) continue;
      const left = (allowed.get(budget) ?? 0) - 1;
      allowed.set(budget, left);
      if (left < 0) over.add(pod);
    }
  return over;
}

/** Fewest violated budgets, then the least important victims, then the fewest, then the youngest. */
function compareCandidates(left: Candidate, right: Candidate): number {
  const highest = ({ victims }: Candidate): number => Math.max(...victims.map(priorityOf));
  const sum = ({ victims }: Candidate): number => victims.reduce((total, pod) => total + priorityOf(pod), 0);
  const oldest = ({ victims }: Candidate): string => victims.map(startedAt).sort()[0] ?? "";
  return (
    left.violationCount - right.violationCount ||
    highest(left) - highest(right) ||
    sum(left) - sum(right) ||
    left.victims.length - right.victims.length ||
    (oldest(left) === oldest(right) ? 0 : oldest(left) > oldest(right) ? -1 : 1) ||
    (left.nodeName < right.nodeName ? -1 : 1)
  );
}

function startedAt({ metadata, status }: Pod): string {
  return (status as { startTime?: string } | undefined)?.startTime ?? metadata.creationTimestamp ?? "";
}
