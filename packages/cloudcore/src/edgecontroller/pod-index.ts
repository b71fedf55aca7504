import type { Pod } from "@skerry/api";
import { type PodReferences, referencesOf } from "@skerry/kube";

/** A pod of a node and what it needs. */
export interface IndexedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly references: PodReferences;
}

/** Which kind of object a pod refers to. */
export type ReferencedKind = "configMaps" | "secrets" | "persistentVolumeClaims";

/**
 * Pods by node, and from them which node needs which ConfigMap, Secret or claim, and the Services of which namespace. All of it follows from the pods, so a
 * node stops needing an object when its last pod that refers to it is gone.
 */
export class PodIndex {
  readonly #byNode = new Map<string, Map<string, IndexedPod>>();
  readonly #nodeOf = new Map<string, string>();
  /** `<kind> <namespace>/<name>`, or a namespace, to the number of pods that refer to it, or are in it, by node. */
  readonly #users = new Map<string, Map<string, number>>();

  /** Takes in a pod's newest version. */
  set(pod: Pod): void {
    const key = keyOf(pod.metadata.namespace ?? "", pod.metadata.name);
    this.#remove(key);
    const nodeName = pod.spec.nodeName;
    if (nodeName === undefined || nodeName === "") return;
    const indexed: IndexedPod = {
      namespace: pod.metadata.namespace ?? "",
      name: pod.metadata.name,
      uid: pod.metadata.uid ?? "",
      references: referencesOf(pod),
    };
    this.#nodeOf.set(key, nodeName);
    entry(this.#byNode, nodeName, () => new Map<string, IndexedPod>()).set(key, indexed);
    this.#count(indexed, nodeName, 1);
  }

  /** Forgets a pod. */
  delete(namespace: string, name: string): void {
    this.#remove(keyOf(namespace, name));
  }

  get(nodeName: string, namespace: string, name: string): IndexedPod | undefined {
    return this.#byNode.get(nodeName)?.get(keyOf(namespace, name));
  }

  podsOf(nodeName: string): Iterable<IndexedPod> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }

  /** Names of the nodes with a pod that refers to the object. */
  nodesUsing(kind: ReferencedKind, namespace: string, name: string): Iterable<string> {
    return this.#users.get(userKey(kind, namespace, name))?.keys() ?? [];
  }

  isUsedBy(nodeName: string, kind: ReferencedKind, namespace: string, name: string): boolean {
    return this.#users.get(userKey(kind, namespace, name))?.has(nodeName) ?? false;
  }

  /** Names of the nodes with a pod in the namespace. */
  nodesIn(namespace: string): Iterable<string> {
    return this.#users.get(namespaceKey(namespace))?.keys() ?? [];
  }

  /** Whether the node has a pod in the namespace. */
  isIn(nodeName: string, namespace: string): boolean {
    return this.#users.get(namespaceKey(namespace))?.has(nodeName) ?? false;
  }

  hasPods(nodeName: string): boolean {
    return this.#byNode.has(nodeName);
  }

  /** Names of the nodes with pods. */
  nodeNames(): Iterable<string> {
    return this.#byNode.keys();
  }

  #remove(key: string): void {
    const nodeName = this.#nodeOf.get(key);
    if (nodeName === undefined) return;
    const pods = this.#byNode.get(nodeName);
    const indexed = pods?.get(key);
    this.#nodeOf.delete(key);
    pods?.delete(key);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
    if (indexed) this.#count(indexed, nodeName, -1);
  }

  #count(pod: IndexedPod, nodeName: string, change: 1 | -1): void {
    this.#countUser(namespaceKey(pod.namespace), nodeName, change);
    for (const kind of ["configMaps", "secrets", "persistentVolumeClaims"] as const)
      for (const name of pod.references[kind]) this.#countUser(userKey(kind, pod.namespace, name), nodeName, change);
  }

  #countUser(key: string, nodeName: string, change: 1 | -1): void {
    const nodes = entry(this.#users, key, () => new Map<string, number>());
    const count = (nodes.get(nodeName) ?? 0) + change;
    if (count > 0) nodes.set(nodeName, count);
    else nodes.delete(nodeName);
    if (nodes.size === 0) this.#users.delete(key);
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function userKey(kind: ReferencedKind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

function namespaceKey(namespace: string): string {
  return `namespace ${namespace}`;
}

function entry<V>(map: Map<string, V>, key: string, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}
