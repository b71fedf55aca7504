import { leases } from "@skerry/api";
import { type Clock, sleep, toKubernetesMicroTime } from "@skerry/base";
import { compareResourceVersions, type KubernetesApi } from "@skerry/kube";

/** Whether the caches have caught up with what a node has seen. */
export type Freshness =
  | { readonly kind: "fresh" }
  /** The API server itself is older than what the node has seen: it was restored from a backup. */
  | { readonly kind: "went-back"; readonly type: string; readonly seen: string; readonly now: string };

/** One collection that nodes hold objects of. */
export interface FollowedCollection {
  readonly type: string;
  /** The cache's version of it; `relist` makes it at least as new as a version that the API server has yielded. */
  readonly informer: { readonly resourceVersion: string; relist(wantedVersion: string): void };
}

const LOOK_MS = 250;
/** How long a cache may lag until the API server is asked itself. */
const PATIENCE_MS = 3_000;
/** So many older answers in a row are believed. */
const OLDER_ANSWERS_BELIEVED = 3;

/** Compares the caches of CloudCore with the versions that nodes have seen. */
export class SetFreshness {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #collections: readonly FollowedCollection[];
  /** Version of the restored cluster when that was last noticed: nodes know no versions of their own any more. */
  #restoredAt: string | undefined;

  constructor(api: KubernetesApi, clock: Clock, collections: readonly FollowedCollection[]) {
    this.#api = api;
    this.#clock = clock;
    this.#collections = collections;
  }

  /**
   * Resolves when each cache has reached the version given for its type, or when the API server has proven older. After
   * that, caches older than it was then are listed anew first: for any node and any session, as a node that has forgotten
   * its versions may be cut off before it was given the set. An informer lists once for all nodes.
   * @throws the signal's reason
   */
  async reached(nodeName: string, seen: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Freshness> {
    const versions = new Map(seen);
    const restoredAt = this.#restoredAt;
    if (restoredAt !== undefined)
      for (const { type, informer } of this.#collections) {
        if (!isOlder(informer.resourceVersion, restoredAt)) continue;
        if (isOlder(versions.get(type) ?? "0", restoredAt)) versions.set(type, restoredAt);
        informer.relist(restoredAt);
      }
    let waitedMs = 0;
    let olderAnswers = 0;
    for (;;) {
      const behind = this.#collections.find(({ type, informer }) =>
        isOlder(informer.resourceVersion, versions.get(type)),
      );
      if (!behind) return { kind: "fresh" };
      const needed = versions.get(behind.type) ?? "0";
      if (waitedMs >= PATIENCE_MS && waitedMs % 1_000 === 0) {
        const now = await this.#currentVersion(nodeName, signal);
        olderAnswers = now !== undefined && isOlder(now, needed) ? olderAnswers + 1 : 0;
        if (now !== undefined && olderAnswers >= OLDER_ANSWERS_BELIEVED) {
          this.#restoredAt = now;
          return { kind: "went-back", type: behind.type, seen: needed, now };
        }
      }
      await sleep(this.#clock, LOOK_MS, signal);
      waitedMs += LOOK_MS;
    }
  }

  /**
   * The API server's version; undefined when there was no answer, or no lease yet. A read may be answered from a copy
   * that lags; what a write makes is the newest there is. (Kubernetes counts all objects with one counter.)
   */
  async #currentVersion(nodeName: string, signal: AbortSignal): Promise<string | undefined> {
    const target = { resource: leases, namespace: "kube-node-lease", name: nodeName };
    const body = { spec: { renewTime: toKubernetesMicroTime(this.#clock.now()) } };
    try {
      return (await this.#api.patch(target, { type: "merge", body }, { signal })).metadata.resourceVersion;
    } catch {
      return undefined;
    }
  }
}

function isOlder(version: string, than: string | undefined): boolean {
  return than !== undefined && compareResourceVersions(version, than) < 0;
}
