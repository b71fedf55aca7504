import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { Informer, type InformerOptions } from "@skerry/kube";

/** What one informer told its listeners, in order. */
export interface SeenEvent {
  readonly type: "added" | "updated" | "deleted";
  readonly uid: string;
  readonly version: string;
  /** How often the informer had listed: a gap between two lists is no secret. */
  readonly lists: number;
  /** The collection's version that the informer had come to. */
  readonly reached: string;
}

/** What an informer of one CloudCore process saw of one collection. */
export interface WatchRecord {
  /** Which process. */
  readonly observer: string;
  /** `group/plural`. */
  readonly collection: string;
  /** Of the API server's histories, the one that it began with; a restored backup begins another. */
  readonly incarnation: number;
  readonly seen: readonly SeenEvent[];
}

/** A change that the API server really made. */
export interface TrueChange {
  readonly collection: string;
  readonly incarnation: number;
  readonly revision: number;
}

/** Watches a collection beside the production code, with the same informer on the same lying API server. */
export function observe(
  resource: ResourceReference,
  observer: string,
  incarnation: number,
  ports: Pick<InformerOptions<KubernetesObject>, "api" | "clock" | "random" | "logger">,
): WatchRecord {
  const seen: SeenEvent[] = [];
  const informer = new Informer<KubernetesObject>({ ...ports, target: { resource } });
  informer.listen(({ type, object: { metadata } }) => {
    seen.push({
      type,
      uid: metadata.uid ?? "",
      version: metadata.resourceVersion ?? "",
      lists: informer.counters.lists,
      reached: informer.resourceVersion,
    });
  });
  informer.start();
  return { observer, collection: `${resource.group}/${resource.resource}`, incarnation, seen };
}
