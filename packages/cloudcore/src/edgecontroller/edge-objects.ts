import type { ConfigMap, KubernetesObject, Node, Pod, Secret } from "@skerry/api";
import type { Informer, InformerEvent } from "@skerry/kube";
import {
  configMapKind,
  type DesiredObject,
  type DesiredObjects,
  type ManagedKind,
  nodeKind,
  podKind,
  secretKind,
} from "../synccontroller/index.ts";
import type { ContentReader } from "./content-reader.ts";
import { PodIndex, type ReferencedKind } from "./pod-index.ts";

/** The caches of what EdgeController sends to nodes. */
export interface EdgeInformers {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly configMaps: Informer<ConfigMap>;
  readonly secrets: Informer<Secret>;
}

/** An object that concerns a node has changed. */
export interface ObjectChange {
  readonly nodeName: string;
  readonly kind: ManagedKind;
  readonly namespace: string;
  readonly name: string;
  /** The object's last version, when it was deleted. */
  readonly lastKnown?: KubernetesObject;
}

const referenced: readonly [ReferencedKind & ("configMaps" | "secrets"), ManagedKind][] = [
  ["configMaps", configMapKind],
  ["secrets", secretKind],
];

/**
 * What nodes hold besides devices: their Node, their pods, and the ConfigMaps and Secrets that those refer to. These
 * go down before the pod, so that a node that loses the link just then can still start it (KubeEdge leaves it to the
 * edge to ask: cloud.md 14, 19), and leave the node when no pod of it refers to them any more.
 */
export class EdgeObjects implements DesiredObjects {
  readonly podIndex: PodIndex = new PodIndex();
  readonly #informers: EdgeInformers;
  readonly #contents: ContentReader;

  /** @param contents of ConfigMaps and Secrets, whose caches need only have the metadata */
  constructor(informers: EdgeInformers, contents: ContentReader) {
    this.#informers = informers;
    this.#contents = contents;
  }

  async contentOf(kind: ManagedKind, object: KubernetesObject): Promise<KubernetesObject | undefined> {
    return kind.contentIsRead ? this.#contents.read(kind.reference, object) : object;
  }

  /** Follows the caches and tells what has changed for which node. */
  follow(onChange: (change: ObjectChange) => void): Disposable {
    const { pods, nodes, configMaps, secrets } = this.#informers;
    const stack = new DisposableStack();
    stack.use(pods.listen((event) => this.#podChanged(event, onChange)));
    stack.use(
      nodes.listen(({ object }) => {
        const { name } = object.metadata;
        onChange({ nodeName: name, kind: nodeKind, namespace: "", name });
      }),
    );
    stack.use(configMaps.listen((event) => this.#referencedChanged("configMaps", configMapKind, event, onChange)));
    stack.use(secrets.listen((event) => this.#referencedChanged("secrets", secretKind, event, onChange)));
    return stack;
  }

  *objectsOf(nodeName: string): Iterable<DesiredObject> {
    const node = this.#informers.nodes.cache.get(nodeName);
    if (node) yield { kind: nodeKind, object: node };
    const pods = [...this.podIndex.podsOf(nodeName)];
    for (const [member, kind] of referenced) {
      const keys = new Set(
        pods.flatMap((pod) => [...pod.references[member]].map((name) => `${pod.namespace}/${name}`)),
      );
      for (const key of keys) {
        const object = this.#informers[member].cache.get(key);
        if (object) yield { kind, object };
      }
    }
    for (const { namespace, name } of pods) {
      const object = this.#informers.pods.cache.get(`${namespace}/${name}`);
      if (object) yield { kind: podKind, object };
    }
  }

  objectFor(nodeName: string, kind: ManagedKind, namespace: string, name: string): KubernetesObject | undefined {
    const object = this.#cached(kind, namespace, name);
    return object && this.belongsTo(nodeName, kind, object) ? object : undefined;
  }

  belongsTo(nodeName: string, kind: ManagedKind, object: KubernetesObject): boolean {
    const { namespace = "", name } = object.metadata;
    switch (kind) {
      case nodeKind:
        return name === nodeName;
      case podKind:
        return (object as Pod).spec.nodeName === nodeName;
      case configMapKind:
        return this.podIndex.isUsedBy(nodeName, "configMaps", namespace, name);
      case secretKind:
        return this.podIndex.isUsedBy(nodeName, "secrets", namespace, name);
      default:
        return false;
    }
  }

  #cached(kind: ManagedKind, namespace: string, name: string): KubernetesObject | undefined {
    const { pods, nodes, configMaps, secrets } = this.#informers;
    const key = `${namespace}/${name}`;
    switch (kind) {
      case nodeKind:
        return nodes.cache.get(name);
      case podKind:
        return pods.cache.get(key);
      case configMapKind:
        return configMaps.cache.get(key);
      case secretKind:
        return secrets.cache.get(key);
      default:
        return undefined;
    }
  }

  #podChanged(event: InformerEvent<Pod>, onChange: (change: ObjectChange) => void): void {
    const { namespace = "", name } = event.object.metadata;
    const nodeName = event.object.spec.nodeName ?? "";
    if (event.type === "deleted") this.podIndex.delete(namespace, name);
    else this.podIndex.set(event.object);
    if (nodeName === "") return;
    if (event.type === "deleted") {
      onChange({ nodeName, kind: podKind, namespace, name, lastKnown: event.object });
      return;
    }
    const references = this.podIndex.get(nodeName, namespace, name)?.references;
    for (const [member, kind] of referenced)
      for (const needed of references?.[member] ?? []) onChange({ nodeName, kind, namespace, name: needed });
    onChange({ nodeName, kind: podKind, namespace, name });
  }

  #referencedChanged(
    member: ReferencedKind,
    kind: ManagedKind,
    event: InformerEvent<KubernetesObject>,
    onChange: (change: ObjectChange) => void,
  ): void {
    const { namespace = "", name } = event.object.metadata;
    const lastKnown = event.type === "deleted" ? { lastKnown: event.object } : {};
    for (const nodeName of [...this.podIndex.nodesUsing(member, namespace, name)])
      onChange({ nodeName, kind, namespace, name, ...lastKnown });
  }
}
