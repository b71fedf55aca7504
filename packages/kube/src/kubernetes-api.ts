import type { KubernetesObject, ObjectList, ResourceReference, Status } from "@skerry/api";
import type { JsonValue } from "@skerry/base";

/** Names one object, or one of its subresources. */
export interface ObjectTarget {
  readonly resource: ResourceReference;
  /** Left out for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
  /** `status`, `scale`, `binding`, `token`, … */
  readonly subresource?: string;
}

/** Names a collection; without `namespace` all namespaces. */
export interface CollectionTarget {
  readonly resource: ResourceReference;
  readonly namespace?: string;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
  readonly limit?: number;
  readonly continue?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/** One line of a watch. An `ERROR` (e.g. 410 Gone) is thrown as an ApiError instead, and ends the watch. */
export type WatchEvent<T extends KubernetesObject = KubernetesObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** A patch in one of the API's forms. */
export type Patch =
  | { readonly type: "merge"; readonly body: JsonValue }
  | { readonly type: "strategic"; readonly body: JsonValue }
  | { readonly type: "json"; readonly body: JsonValue }
  | { readonly type: "apply"; readonly body: JsonValue; readonly fieldManager: string; readonly force?: boolean };

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly signal?: AbortSignal;
}

/**
 * The Kubernetes API as CloudCore and the controllers see it: raw JSON, nothing dropped. Real over HTTPS
 * (`platform/`), in-process in the embedded control plane, and a lying one in the simulation.
 * Every failed call throws an {@link ApiError}; a call whose answer never came throws a SkerryError `KUBE_UNREACHABLE`.
 */
export interface KubernetesApi {
  get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T>;
  list<T extends KubernetesObject>(target: CollectionTarget, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends normally when the server closes the watch; the caller goes on from the last version it saw. */
  watch<T extends KubernetesObject>(target: CollectionTarget, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubernetesObject>(target: CollectionTarget, object: T, options?: WriteOptions): Promise<T>;
  /** Creates through a subresource, e.g. `pods/binding`, `serviceaccounts/token`. */
  createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options?: WriteOptions,
  ): Promise<T>;
  /** Replaces; a `resourceVersion` in the object makes it conditional (409 when it has moved). */
  update<T extends KubernetesObject>(target: ObjectTarget, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(target: ObjectTarget, options?: DeleteOptions): Promise<KubernetesObject | Status>;
}
