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

/** How the pods like one pod are spread over the domains of its constraints; counted once for each view of the cluster. */
export class SpreadRules {
  readonly #namespace: string | undefined;
  readonly #rules: readonly SpreadRule[];
  readonly #counts = new WeakMap<Neighbours, ReadonlyMap<SpreadRule, DomainCounts>>();

  /** @param nodes all there are */
  constructor(pod: Pod, nodes: readonly Node[]) {
    const { topologySpreadConstraints } = pod.spec as { topologySpreadConstraints?: readonly SpreadConstraint[] };
    this.#namespace = pod.metadata.namespace;
    this.#rules = (topologySpreadConstraints ?? []).map((constraint) => spreadRule(constraint, pod, nodes));
  }

  /** Why the node would make the spread too uneven; undefined when it does not. */
  reasonAgainst(node: Node, neighbours: Neighbours): SpreadRefusal | undefined {
    for (const rule of this.#rules) {
      if (rule.isWish) continue;
      const domain = node.metadata.labels?.[rule.topologyKey];
      if (domain === undefined) return { reason: `${UNEVEN} (missing required label)`, isByPods: false };
      const { inDomain, least } = this.#countsOf(rule, neighbours);
      if ((inDomain.get(domain) ?? 0) + rule.ownCount - least > rule.maxSkew) return { reason: UNEVEN, isByPods: true };
    }
    return undefined;
  }

  /** How many pods of its like are in the node's domains, for constraints that are only wishes; fewer is better. */
  crowding(node: Node, neighbours: Neighbours): number {
    return this.#rules
      .filter(({ isWish }) => isWish)
      .reduce((sum, rule) => {
        const domain = node.metadata.labels?.[rule.topologyKey];
        if (domain === undefined) return sum + neighbours.placed.length;
        return sum + (this.#countsOf(rule, neighbours).inDomain.get(domain) ?? 0);
      }, 0);
  }

  #countsOf(rule: SpreadRule, neighbours: Neighbours): DomainCounts {
    const known = this.#counts.get(neighbours) ?? this.#countAll(neighbours);
    return known.get(rule) ?? NONE;
  }

  #countAll(neighbours: Neighbours): ReadonlyMap<SpreadRule, DomainCounts> {
    const counts = new Map(this.#rules.map((rule) => [rule, this.#count(rule, neighbours)]));
    this.#counts.set(neighbours, counts);
    return counts;
  }

  /** Pods of its like in each domain that it could be in. */
  #count(rule: SpreadRule, { placed }: Neighbours): DomainCounts {
    const inDomain = new Map<string, number>([...rule.domainOf.values()].map((domain) => [domain, 0]));
    for (const { pod, node } of placed) {
      const domain = rule.domainOf.get(node.metadata.name);
      if (domain === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
      if (pod.metadata.namespace !== this.#namespace || !rule.selects(pod)) continue;
      inDomain.set(domain, (inDomain.get(domain) ?? 0) + 1);
    }
    return { inDomain, least: inDomain.size < rule.minDomains ? 0 : Math.min(...inDomain.values()) };
  }
}

/** A constraint with what follows from it for one pod. */
interface SpreadRule {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** Whether it is only wished for. */
  readonly isWish: boolean;
  readonly selects: (other: Pod) => boolean;
  /** 1 when the pod counts as one of its like. */
  readonly ownCount: number;
  /** Domain of each node that the pod could be on, by the node's name. */
  readonly domainOf: ReadonlyMap<string, string>;
}

interface DomainCounts {
  readonly inDomain: ReadonlyMap<string, number>;
  /** Pods in the emptiest domain. */
  readonly least: number;
}

const NONE: DomainCounts = { inDomain: new Map(), least: 0 };

function spreadRule(constraint: SpreadConstraint, pod: Pod, nodes: readonly Node[]): SpreadRule {
  const { topologyKey = "", maxSkew = 1, minDomains = 1, whenUnsatisfiable } = constraint;
  const selects = likeOf(constraint, pod);
  const domainOf = new Map<string, string>();
  for (const node of nodes) {
    const domain = node.metadata.labels?.[topologyKey];
    if (domain !== undefined && isEligible(constraint, pod, node)) domainOf.set(node.metadata.name, domain);
  }
  return {
    topologyKey,
    maxSkew,
    minDomains,
    isWish: whenUnsatisfiable === "ScheduleAnyway",
    selects,
    ownCount: selects(pod) ? 1 : 0,
    domainOf,
  };
}

function isEligible(
  { nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" }: SpreadConstraint,
  pod: Pod,
  node: Node,
): boolean {
  if (nodeAffinityPolicy === "Honor" && !matchesNodeAffinity(pod, node)) return false;
  const { tolerations } = pod.spec;
  return (
    nodeTaintsPolicy === "Ignore" || !untoleratedTaint(node.spec?.taints, tolerations, ["NoSchedule", "NoExecute"])
  );
}

/** Whether another pod is one of the pod's like, by the constraint's selector. */
function likeOf({ labelSelector, matchLabelKeys = [] }: SpreadConstraint, pod: Pod): (other: Pod) => boolean {
  if (labelSelector === undefined) return () => false;
  const matches = labelSelectorPredicate(labelSelector);
  const own = pod.metadata.labels ?? {};
  const keys = matchLabelKeys.filter((key) => own[key] !== undefined);
  return ({ metadata }) => matches(metadata.labels) && keys.every((key) => metadata.labels?.[key] === own[key]);
}
