import type { Pod } from "@skerry/api";
import { controllerOf } from "../controllers/owner-references.ts";
import { preferredAffinityWeight } from "./node-affinity.ts";
import { type FitRules, type Refusal, refusalOf } from "./node-fit.ts";
import { ClusterView, type NodeView, ViewFacts } from "./node-view.ts";
import { preferredPodAffinity } from "./pod-affinity.ts";
import { untoleratedTaint } from "./tolerations.ts";
import { SpreadRules } from "./topology-spread.ts";
import { VolumeRules, type VolumeSource } from "./volume-binding.ts";

/** Where a pod goes, or why nowhere. */
export type Placement =
  | { readonly kind: "node"; readonly name: string; readonly volumes: VolumeRules }
  | { readonly kind: "nowhere"; readonly message: string; readonly refused?: RefusedPlacement };

/** What was found out about nodes that do not fit, to look for pods that might make room. */
export interface RefusedPlacement {
  readonly cluster: ClusterView;
  readonly rules: FitRules;
  readonly refusals: ReadonlyMap<NodeView, Refusal>;
}

/** What a decision needs besides the nodes. */
export interface PlacementOptions {
  readonly facts: ViewFacts;
  readonly volumes: VolumeSource;
}

/** No volumes at all. */
const NO_VOLUMES: VolumeSource = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
};

/**
 * Chooses a node for a pod: of those that fit, one without taints it would rather avoid, with the most wanted labels
 * and neighbours, where its like is spread best, with the fewest siblings and then the fewest pods. Deterministic: the
 * name decides between equals.
 */
export function placePod(
  pod: Pod,
  nodes: readonly NodeView[],
  { facts, volumes: source }: PlacementOptions = { facts: new ViewFacts(), volumes: NO_VOLUMES },
): Placement {
  if (nodes.length === 0) return { kind: "nowhere", message: "no nodes available to schedule pods" };
  const cluster = new ClusterView(nodes, facts);
  const volumes = new VolumeRules(pod, source);
  const allNodes = nodes.map(({ node }) => node);
  const rules: FitRules = { volumes, spread: new SpreadRules(pod, allNodes) };
  const refusals = new Map<NodeView, Refusal>();
  const nowhere = (why: string): Placement => ({
    kind: "nowhere",
    message: `0/${nodes.length} nodes are available: ${why}.`,
    refused: { cluster, rules, refusals },
  });
  if (volumes.obstacle !== undefined) return nowhere(volumes.obstacle);
  const fitting: NodeView[] = [];
  for (const view of nodes) {
    const refusal = refusalOf(pod, view, cluster, rules);
    if (refusal) refusals.set(view, refusal);
    else fitting.push(view);
  }
  const best = fitting.map((view) => ({ view, score: scoreOf(pod, view, cluster, rules) })).sort(compareScores)[0];
  return best ? { kind: "node", name: best.view.node.metadata.name, volumes } : nowhere(counted(refusals));
}

/** Reasons with how many nodes they are of, as the Kubernetes scheduler lists them. */
function counted(refusals: ReadonlyMap<NodeView, Refusal>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of refusals.values())
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

/** Smaller is better; compared from left to right. */
function scoreOf(pod: Pod, { node, pods }: NodeView, cluster: ClusterView, { spread }: FitRules): number[] {
  const avoided = (node.spec?.taints ?? []).filter(
    (taint) => untoleratedTaint([taint], pod.spec.tolerations, ["PreferNoSchedule"]) !== undefined,
  );
  const owner = controllerOf(pod)?.uid;
  const siblings = owner === undefined ? [] : pods.filter((other) => controllerOf(other)?.uid === owner);
  return [
    avoided.length,
    -preferredAffinityWeight(pod, node) - preferredPodAffinity(pod, node, cluster),
    spread.crowding(node, cluster),
    siblings.length,
    pods.length,
  ];
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
