import type { KubernetesObject } from "@skerry/api";
import type { Clock, Logger, Random, RetryPolicy } from "@skerry/base";
import type { CollectionTarget, KubernetesApi } from "../kubernetes-api.ts";
import type { Indexer } from "./object-cache.ts";

/** A change of the informer's cache; it has already happened when listeners hear of it. */
export type InformerEvent<T extends KubernetesObject> =
  | { readonly type: "added"; readonly object: T }
  | { readonly type: "updated"; readonly object: T; readonly before: T }
  | { readonly type: "deleted"; readonly object: T };

/** What an informer watches and lives on. */
export interface InformerOptions<T extends KubernetesObject> {
  readonly api: KubernetesApi;
  readonly target: CollectionTarget;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexers?: Readonly<Record<string, Indexer<T>>>;
  /** Changes an object before it is cached, e.g. drops what nobody reads; must be pure. */
  readonly transform?: (object: T) => T;
  /** Most objects kept; further ones are left out, counted and logged. @default 100_000 */
  readonly maximumObjects?: number;
  /** After this a watch is opened anew, so that one that silently died is found. @default 300 */
  readonly watchTimeoutSeconds?: number;
  readonly retry?: RetryPolicy;
}

/** How often an informer met trouble. */
export interface InformerCounters {
  lists: number;
  watches: number;
  /** Events older than what was known: duplicates or a lagging server. */
  staleEvents: number;
  /** Lists older than what was known. */
  staleLists: number;
  failures: number;
  /** Objects left out because of `maximumObjects`. */
  droppedObjects: number;
}
