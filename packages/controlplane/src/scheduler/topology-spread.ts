import type { LabelSelector, Node, Pod } from "@skerry/api";
import { labelSelectorPredicate } from "@skerry/kube";
import { matchesNodeAffinity } from "./node-affinity.ts";
import type { Neighbours } from "./pod-affinity.ts";
import { untoleratedTaint } from "./tolerations.ts";

/** One entry of `spec.topologySpreadConstraints`. */
export interface SpreadConstraint {
  readonly maxSkew?: number;
  readonly topologyKey?: string;
  readonly whenUnsatisfiable?: "DoNotSchedule" | "ScheduleAnyway";
  readonly labelSelector?: LabelSelector;
  readonly minDomains?: number;
  readonly nodeAffinityPolicy?: "Honor" | "Ignore";
  readonly nodeTaintsPolicy?: "Honor" | "Ignore";
  readonly matchLabelKeys?: readonly string[];
}

/** What the spread of a pod's like says against a node. */
export interface SpreadRefusal {
  readonly reason: string;
  readonly isByPods: boolean;
}

const UNEVEN = "node(s) didn't match pod topology spread constraints";

/** How the pods like one pod are spread over the domains of its constraints. */
export class SpreadRules {
  readonly #pod: Pod;
  readonly #nodes: readonly Node[];
  readonly #constraints: readonly SpreadConstraint[];

  /** @param nodes all there are */
  constructor(pod: Pod, nodes: readonly Node[]) {
    const { topologySpreadConstraints } = pod.spec as { topologySpreadConstraints?: readonly SpreadConstraint[] };
    this.#pod = pod;
    this.#nodes = nodes;
    this.#constraints = topologySpreadConstraints ?? [];
  }

  /** Why the node would make the spread too uneven; undefined when it does not. */
  reasonAgainst(node: Node, neighbours: Neighbours): SpreadRefusal | undefined {
    for (const constraint of this.#constraints) {
      if (constraint.whenUnsatisfiable === "ScheduleAnyway") continue;
      const { topologyKey = "", maxSkew = 1, minDomains = 1 } = constraint;
      const domain = node.metadata.labels?.[topologyKey];
      if (domain === undefined) return { reason: `${UNEVEN} (missing required label)`, isByPods: false };
      const counts = this.#counts(constraint, neighbours);
      const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
      const own = this.#selects(constraint, this.#pod) ? 1 : 0;
      if ((counts.get(domain) ?? 0) + own - least > maxSkew) return { reason: UNEVEN, isByPods: true };
    }
    return undefined;
  }

  /** How many pods of its like are in the node's domains, for constraints that are only wishes; fewer is better. */
  crowding(node: Node, neighbours: Neighbours): number {
    return this.#constraints
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway")
      .reduce((sum, constraint) => {
        const domain = node.metadata.labels?.[constraint.topologyKey ?? ""];
        const counts = this.#counts(constraint, neighbours);
        return sum + (domain === undefined ? neighbours.placed.length : (counts.get(domain) ?? 0));
      }, 0);
  }

  /** Pods of its like in each domain that it could be in. */
  #counts(constraint: SpreadConstraint, { placed }: Neighbours): Map<string, number> {
    const { topologyKey = "" } = constraint;
    const counts = new Map<string, number>();
    const eligible = new Set<string>();
    for (const node of this.#nodes) {
      const domain = node.metadata.labels?.[topologyKey];
      if (domain === undefined || !this.#isEligible(constraint, node)) continue;
      eligible.add(node.metadata.name);
      counts.set(domain, 0);
    }
    for (const { pod, node } of placed) {
      if (!eligible.has(node.metadata.name) || pod.metadata.deletionTimestamp !== undefined) continue;
      if (pod.metadata.namespace !== this.#pod.metadata.namespace || !this.#selects(constraint, pod)) continue;
      const domain = node.metadata.labels?.[topologyKey] ?? "";
      counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    return counts;
  }

  #isEligible({ nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" }: SpreadConstraint, node: Node): boolean {
    if (nodeAffinityPolicy === "Honor" && !matchesNodeAffinity(this.#pod, node)) return false;
    const { tolerations } = this.#pod.spec;
    return (
      nodeTaintsPolicy === "Ignore" || !untoleratedTaint(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"])
    );
  }

  #selects({ labelSelector, matchLabelKeys = [] }: SpreadConstraint, { metadata }: Pod): boolean {
    if (labelSelector === undefined || !labelSelectorPredicate(labelSelector)(metadata.labels)) return false;
    const own = this.#pod.metadata.labels ?? {};
    return matchLabelKeys.every((key) => own[key] === undefined || metadata.labels?.[key] === own[key]);
  }
}
