import type { KubernetesObject } from "@skerry/api";
import type { Clock, Logger, Random } from "@skerry/base";
import { Informer, type KubernetesApi } from "@skerry/kube";
import { withoutManagedFields } from "../managed-fields.ts";
import type { Selection } from "./node-access.ts";

export interface WatchFeedsOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Use of a feed, until it is disposed. */
export interface FeedUse extends Disposable {
  readonly informer: Informer<KubernetesObject>;
}

/** Different selections that are followed at once; further ones are turned away. */
const MAX_FEEDS = 2_000;
/** Objects of one feed that are kept. */
const MAX_OBJECTS = 20_000;

/** Follows what nodes watch: one informer a selection, shared by all nodes, ended with the last one's use. */
export class WatchFeeds implements AsyncDisposable {
  readonly #options: WatchFeedsOptions;
  readonly #feeds = new Map<string, { readonly informer: Informer<KubernetesObject>; users: number }>();
  readonly #ending = new Set<Promise<void>>();
  #turnedAwayCount = 0;

  constructor(options: WatchFeedsOptions) {
    this.#options = options;
  }

  /** Selections that are followed. */
  get size(): number {
    return this.#feeds.size;
  }

  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  /** Begins to follow the selection, or joins those who do; undefined at the limit. */
  use(selection: Selection): FeedUse | undefined {
    const key = JSON.stringify(selection);
    const feed = this.#feeds.get(key) ?? this.#begin(key, selection);
    if (!feed) return undefined;
    feed.users++;
    let isUsed = true;
    return {
      informer: feed.informer,
      [Symbol.dispose]: () => {
        if (!isUsed) return;
        isUsed = false;
        if (--feed.users === 0) this.#end(key, feed.informer);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [key, { informer }] of [...this.#feeds]) this.#end(key, informer);
    await Promise.all(this.#ending);
  }

  #begin(
    key: string,
    { resource, namespace, labelSelector, fieldSelector }: Selection,
  ): { readonly informer: Informer<KubernetesObject>; users: number } | undefined {
    if (this.#feeds.size >= MAX_FEEDS) {
      this.#turnedAwayCount++;
      return undefined;
    }
    const informer = new Informer<KubernetesObject>({
      ...this.#options,
      target: { resource, ...(namespace === undefined ? {} : { namespace }) },
      transform: withoutManagedFields,
      maximumObjects: MAX_OBJECTS,
      ...(labelSelector === "" ? {} : { labelSelector }),
      ...(fieldSelector === "" ? {} : { fieldSelector }),
    });
    informer.start();
    const feed = { informer, users: 0 };
    this.#feeds.set(key, feed);
    return feed;
  }

  #end(key: string, informer: Informer<KubernetesObject>): void {
    this.#feeds.delete(key);
    const ending = informer[Symbol.asyncDispose]().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
