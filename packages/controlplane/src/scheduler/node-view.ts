import type { Node, Pod } from "@skerry/api";
import { type Amounts, addTo, podRequests } from "@skerry/kube";
import { type PlacedPod, requiredAntiAffinity } from "./pod-affinity.ts";

/** A node and the pods that live there or are about to. Never changed: a new one takes its place. */
export interface NodeView {
  readonly node: Node;
  readonly pods: readonly Pod[];
}

/** What follows from pods and nodes, worked out once for each. */
export class ViewFacts {
  readonly #requests = new WeakMap<Pod, Amounts>();
  readonly #used = new WeakMap<NodeView, Amounts>();
  readonly #placed = new WeakMap<NodeView, readonly PlacedPod[]>();
  readonly #keepingApart = new WeakMap<NodeView, readonly PlacedPod[]>();

  /** What the pod asks of its node. */
  requestsOf(pod: Pod): Amounts {
    return remembered(this.#requests, pod, podRequests);
  }

  /** What all pods of the node ask of it. */
  usedOn(view: NodeView): Amounts {
    return remembered(this.#used, view, ({ pods }) => {
      const used = new Map<string, bigint>();
      for (const pod of pods) addTo(used, this.requestsOf(pod));
      return used;
    });
  }

  /** The node's pods, each with the node. */
  placedOn(view: NodeView): readonly PlacedPod[] {
    return remembered(this.#placed, view, ({ node, pods }) => pods.map((pod) => ({ pod, node })));
  }

  /** The node's pods that do not want certain others near them. */
  keepingApartOn(view: NodeView): readonly PlacedPod[] {
    return remembered(this.#keepingApart, view, () =>
      this.placedOn(view).filter(({ pod }) => requiredAntiAffinity(pod).length > 0),
    );
  }
}

/** All nodes as one decision sees them. */
export class ClusterView {
  readonly nodes: readonly NodeView[];
  readonly facts: ViewFacts;
  #placed: readonly PlacedPod[] | undefined;
  #keepingApart: readonly PlacedPod[] | undefined;

  constructor(nodes: readonly NodeView[], facts: ViewFacts) {
    this.nodes = nodes;
    this.facts = facts;
  }

  /** All pods with their nodes. */
  get placed(): readonly PlacedPod[] {
    this.#placed ??= this.nodes.flatMap((view) => this.facts.placedOn(view));
    return this.#placed;
  }

  /** All pods that do not want certain others near them. */
  get keepingApart(): readonly PlacedPod[] {
    this.#keepingApart ??= this.nodes.flatMap((view) => this.facts.keepingApartOn(view));
    return this.#keepingApart;
  }

  /** The same with another view of one node. */
  with(view: NodeView): ClusterView {
    const nodes = this.nodes.map((each) => (each.node.metadata.name === view.node.metadata.name ? view : each));
    return new ClusterView(nodes, this.facts);
  }
}

function remembered<K extends object, V>(memory: WeakMap<K, V>, key: K, work: (key: K) => V): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const value = work(key);
  memory.set(key, value);
  return value;
}
