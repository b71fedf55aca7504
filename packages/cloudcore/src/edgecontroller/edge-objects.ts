import type { ConfigMap, KubernetesObject, Node, Pod, Secret, Service } from "@skerry/api";
import type { Informer, InformerEvent } from "@skerry/kube";
import {
  configMapKind,
  type DesiredObject,
  type DesiredObjects,
  type ManagedKind,
  nodeKind,
  podKind,
  secretKind,
  serviceKind,
} from "../synccontroller/index.ts";
import type { ContentReader } from "./content-reader.ts";
import { PodIndex, type ReferencedKind } from "./pod-index.ts";

/** The caches of what EdgeController sends to nodes. */
export interface EdgeInformers {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly configMaps: Informer<ConfigMap>;
  readonly secrets: Informer<Secret>;
  /** With {@link serviceIndexers}. */
  readonly services: Informer<Service>;
}

/** How the cache of Services is looked up. */
export const serviceIndexers: Readonly<Record<string, (service: Service) => readonly string[]>> = {
  namespace: ({ metadata }) => [metadata.namespace ?? ""],
};

/** The API server's own Service: variables in every pod name it, in whatever namespace. */
const API_SERVICE = { namespace: "default", name: "kubernetes" } as const;

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
 * What nodes hold besides devices: their Node, their pods, the ConfigMaps and Secrets that those refer to, and the
 * Services of their namespaces. These go down before the pod, so that a node that loses the link just then can still start it (KubeEdge leaves it to the
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
    const { pods, nodes, configMaps, secrets, services } = this.#informers;
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
    stack.use(services.listen((event) => this.#serviceChanged(event, onChange)));
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
    if (pods.length > 0) for (const object of this.#servicesOf(nodeName)) yield { kind: serviceKind, object };
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
      case serviceKind:
        return this.#needsService(nodeName, namespace, name);
      default:
        return false;
    }
  }

  /** A pod may use any Service of its namespace, and those of other namespaces whose pods are here too. */
  #needsService(nodeName: string, namespace: string, name: string): boolean {
    const isApi = namespace === API_SERVICE.namespace && name === API_SERVICE.name;
    return this.podIndex.isIn(nodeName, namespace) || (isApi && this.podIndex.hasPods(nodeName));
  }

  *#servicesOf(nodeName: string): Iterable<Service> {
    const namespaces = new Set([...this.podIndex.podsOf(nodeName)].map(({ namespace }) => namespace));
    const { cache } = this.#informers.services;
    for (const namespace of namespaces) yield* cache.byIndex("namespace", namespace);
    const api = cache.get(`${API_SERVICE.namespace}/${API_SERVICE.name}`);
    if (api && !namespaces.has(API_SERVICE.namespace)) yield api;
  }

  #cached(kind: ManagedKind, namespace: string, name: string): KubernetesObject | undefined {
    const { pods, nodes, configMaps, secrets, services } = this.#informers;
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
      case serviceKind:
        return services.cache.get(key);
      default:
        return undefined;
    }
  }

  #podChanged(event: InformerEvent<Pod>, onChange: (change: ObjectChange) => void): void {
    const { namespace = "", name } = event.object.metadata;
    const nodeName = event.object.spec.nodeName ?? "";
    const isFirst = !this.podIndex.isIn(nodeName, namespace);
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
    if (isFirst)
      for (const { metadata } of this.#servicesOf(nodeName))
        onChange({ nodeName, kind: serviceKind, namespace: metadata.namespace ?? "", name: metadata.name });
    onChange({ nodeName, kind: podKind, namespace, name });
  }

  #serviceChanged(event: InformerEvent<Service>, onChange: (change: ObjectChange) => void): void {
    const { namespace = "", name } = event.object.metadata;
    const isApi = namespace === API_SERVICE.namespace && name === API_SERVICE.name;
    const lastKnown = event.type === "deleted" ? { lastKnown: event.object } : {};
    for (const nodeName of [...(isApi ? this.podIndex.nodeNames() : this.podIndex.nodesIn(namespace))])
      onChange({ nodeName, kind: serviceKind, namespace, name, ...lastKnown });
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
