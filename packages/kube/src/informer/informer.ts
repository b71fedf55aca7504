import type { KubernetesObject } from "@skerry/api";
import {
  abortReason,
  describeError,
  Listeners,
  type Logger,
  type RetryPolicy,
  RetrySchedule,
  sleep,
} from "@skerry/base";
import { ApiError } from "../api-error.ts";
import type { WatchEvent } from "../kubernetes-api.ts";
import { compareResourceVersions } from "../resource-version.ts";
import type { InformerCounters, InformerEvent, InformerOptions } from "./informer-options.ts";
import { ObjectCache, objectKey } from "./object-cache.ts";

const DEFAULT_RETRY: RetryPolicy = { initialMs: 200, maximumMs: 30_000 };
const LIST_PAGE = 500;
/** How long past its own end a watch may last before it counts as dead. */
const WATCH_GRACE_MS = 10_000;
/** A watch that ended earlier without an event was not worth much: back off before the next. */
const SHORT_WATCH_MS = 1_000;
/** So many lists in a row older than what was seen, over so long, mean that the server really went back (a restored backup). */
const STALE_LISTS_BELIEVED = 3;
/** Longer than a copy lags: whoever follows it wrongly deletes on nodes what the cluster still has. */
const STALE_BELIEVED_AFTER_MS = 60_000;
/** A copy that lags catches up at any moment. */
const STALE_LIST_RETRY_MS = 5_000;

/**
 * A cache of one collection that follows the API server: lists, then watches from that list's version, and lists anew
 * when the server has forgotten the version (410). It survives a server that lies: for each object the cached version
 * never goes back, duplicates are ignored, dead watches are reopened, everything is retried with back-off.
 */
export class Informer<T extends KubernetesObject> implements AsyncDisposable {
  readonly cache: ObjectCache<T>;
  readonly counters: InformerCounters = {
    lists: 0,
    watches: 0,
    staleEvents: 0,
    staleLists: 0,
    failures: 0,
    droppedObjects: 0,
  };
  readonly #options: InformerOptions<T>;
  readonly #logger: Logger;
  readonly #listeners: Listeners<InformerEvent<T>>;
  readonly #abort = new AbortController();
  readonly #retry: RetrySchedule;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #version = "0";
  #staleListsInRow = 0;
  /** When the first of them came, on the monotonic clock. */
  #staleSinceMs = 0;
  /** The collection is listed until it is as new as this. */
  #wantedVersion = "0";
  #running: Promise<void> | undefined;
  #mustList = true;
  #endWatch: (() => void) | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#logger = options.logger.child("informer", { resource: options.target.resource.resource });
    this.cache = new ObjectCache<T>(options.indexers);
    this.#retry = new RetrySchedule(options.retry ?? DEFAULT_RETRY, options.random);
    this.#listeners = new Listeners((error) =>
      this.#logger.error("A listener failed on an object", { error: describeError(error) }),
    );
    this.#synced.promise.catch(() => undefined);
  }

  /** Whether the first list is in the cache. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The newest resourceVersion seen of the collection; `0` before the first list. */
  get resourceVersion(): string {
    return this.#version;
  }

  /** Begins to list and watch; a second call has no effect. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Ends the watch, however well it seems to do, and lists until {@link resourceVersion} has reached one that the API
   * server has yielded: then nothing older is in the cache. A watch of a collection that seldom changes would take a
   * minute. A list may come from a cache that lags.
   */
  relist(wantedVersion: string): void {
    if (isOlder(this.#wantedVersion, wantedVersion)) this.#wantedVersion = wantedVersion;
    if (!isOlder(this.#version, this.#wantedVersion)) return;
    this.#mustList = true;
    this.#endWatch?.();
  }

  /** Resolves when the first list is in the cache; rejects when the informer or `signal` is stopped before. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    if (!signal) return this.#synced.promise;
    const stopped = Promise.withResolvers<never>();
    const onAbort = (): void => stopped.reject(abortReason(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#synced.promise, stopped.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Calls `listener` for each cached object at once (as `added`) and then for each change. */
  listen(listener: (event: InformerEvent<T>) => void): Disposable {
    for (const object of this.cache.list()) listener({ type: "added", object });
    return this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#synced.reject(abortReason(this.#abort.signal));
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        while (this.#mustList) await this.#listAnew(signal);
        const startedMs = clock.monotonicMs();
        const events = await this.#watch(signal);
        if (events > 0 || clock.monotonicMs() - startedMs >= SHORT_WATCH_MS) this.#retry.reset();
        else await sleep(clock, this.#retry.nextDelayMs(), signal);
      } catch (error) {
        if (signal.aborted) break;
        this.counters.failures++;
        this.#mustList ||= !isPassing(error);
        if (error instanceof ApiError && error.httpStatus === 410)
          this.#logger.debug("The server no longer has the version; listing anew");
        else this.#logger.warn("Cannot follow the API server; trying again", { error: describeError(error) });
        await sleep(clock, this.#retry.nextDelayMs(), signal).catch(() => undefined);
      }
    }
  }

  async #listAnew(signal: AbortSignal): Promise<void> {
    await this.#list(signal);
    this.#mustList = isOlder(this.#version, this.#wantedVersion);
    if (this.#mustList) await this.#waitForNewerList(signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { api, target, labelSelector, fieldSelector } = this.#options;
    this.counters.lists++;
    const found = new Map<string, T>();
    let version = "0";
    let page: string | undefined;
    do {
      // Without a resourceVersion this is a consistent read, not one from a lagging cache.
      const list = await api.list<T>(target, {
        limit: LIST_PAGE,
        signal,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        ...(page === undefined ? {} : { continue: page }),
      });
      version = list.metadata.resourceVersion;
      for (const item of list.items) {
        const object = withKind(item, list.apiVersion, list.kind);
        found.set(objectKey(object), object);
      }
      page = list.metadata.continue;
    } while (page);
    if (isOlder(version, this.#version) && !this.#believeOlder(version)) {
      await this.#waitForNewerList(signal);
      return this.#list(signal);
    }
    this.#staleListsInRow = 0;
    this.#replace(found, version);
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
  }

  async #waitForNewerList(signal: AbortSignal): Promise<void> {
    await sleep(this.#options.clock, Math.min(this.#retry.nextDelayMs(), STALE_LIST_RETRY_MS), signal);
  }

  /** An older list is a lagging answer at first, a server restored from a backup when it stays older. */
  #believeOlder(version: string): boolean {
    this.counters.staleLists++;
    const nowMs = this.#options.clock.monotonicMs();
    if (++this.#staleListsInRow === 1) this.#staleSinceMs = nowMs;
    const isBelieved =
      this.#staleListsInRow >= STALE_LISTS_BELIEVED && nowMs - this.#staleSinceMs >= STALE_BELIEVED_AFTER_MS;
    if (!isBelieved) return false;
    this.#logger.warn("The API server went back to an older state (restored from a backup?); following it", {
      seen: this.#version,
      now: version,
    });
    // Asked for before that, it may never be reached.
    this.#wantedVersion = "0";
    for (const key of this.cache.keys()) {
      const object = this.cache.get(key);
      this.cache.delete(key);
      if (object) this.#listeners.emit({ type: "deleted", object });
    }
    return true;
  }

  #replace(found: ReadonlyMap<string, T>, version: string): void {
    this.#version = version;
    for (const key of this.cache.keys()) {
      const object = this.cache.get(key);
      if (object && !found.has(key)) this.#remove(key, object);
    }
    for (const object of found.values()) this.#store(object);
  }

  /** Follows one watch to its end; answers how many events it brought. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { api, target, clock, labelSelector, fieldSelector, watchTimeoutSeconds = 300 } = this.#options;
    // Stopped while it listed: an aborted signal calls no listener any more.
    signal.throwIfAborted();
    this.counters.watches++;
    const watch = new AbortController();
    const stop = (): void => watch.abort();
    this.#endWatch = stop;
    signal.addEventListener("abort", stop, { once: true });
    const deadline = clock.setTimer(watchTimeoutSeconds * 1000 + WATCH_GRACE_MS, stop);
    let events = 0;
    try {
      for await (const event of api.watch<T>(target, {
        resourceVersion: this.#version,
        allowWatchBookmarks: true,
        timeoutSeconds: watchTimeoutSeconds,
        signal: watch.signal,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      })) {
        events++;
        this.#retry.reset();
        this.#handle(event);
        if (watch.signal.aborted) break;
      }
    } catch (error) {
      if (!watch.signal.aborted) throw error;
    } finally {
      deadline.cancel();
      this.#endWatch = undefined;
      signal.removeEventListener("abort", stop);
    }
    return events;
  }

  #handle(event: WatchEvent<T>): void {
    const version = event.type === "BOOKMARK" ? event.resourceVersion : (event.object.metadata.resourceVersion ?? "");
    if (compareResourceVersions(version, this.#version) <= 0) {
      if (event.type !== "BOOKMARK") this.counters.staleEvents++;
      return;
    }
    this.#version = version;
    if (event.type === "BOOKMARK") return;
    const key = objectKey(event.object);
    if (event.type === "DELETED") this.#remove(key, event.object);
    else this.#store(event.object);
  }

  #store(received: T): void {
    const { transform, maximumObjects = 100_000 } = this.#options;
    const key = objectKey(received);
    const before = this.cache.get(key);
    if (before && before.metadata.uid === received.metadata.uid) {
      const order = compareResourceVersions(
        received.metadata.resourceVersion ?? "0",
        before.metadata.resourceVersion ?? "0",
      );
      if (order <= 0) return;
      const object = kept(received, transform);
      this.cache.set(key, object);
      this.#listeners.emit({ type: "updated", object, before });
      return;
    }
    // Another UID under the same name: its deletion was not seen.
    if (before) this.#remove(key, before);
    if (this.cache.size >= maximumObjects) {
      this.counters.droppedObjects++;
      this.#logger.error("Too many objects; one is left out", { key, limit: maximumObjects });
      return;
    }
    const object = kept(received, transform);
    this.cache.set(key, object);
    this.#listeners.emit({ type: "added", object });
  }

  #remove(key: string, last: T): void {
    const cached = this.cache.get(key);
    if (!cached) return;
    this.cache.delete(key);
    this.#listeners.emit({ type: "deleted", object: cached.metadata.uid === last.metadata.uid ? last : cached });
  }
}

/** What is cached: who manages which field is of no use to those who read the cache, and often half of an object. */
function kept<T extends KubernetesObject>(received: T, transform: ((object: T) => T) | undefined): T {
  const object = transform ? transform(received) : received;
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Items of a list come without kind and apiVersion. */
function withKind<T extends KubernetesObject>(item: T, apiVersion: string, listKind: string): T {
  return item.kind ? item : { ...item, apiVersion, kind: listKind.replace(/List$/, "") };
}

function isOlder(version: string, than: string): boolean {
  return compareResourceVersions(version, than) < 0;
}

/** Whether a watch may go on from where it was after this error; else only a new list helps. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError && (error.httpStatus === 410 || error.httpStatus === 400)) && !isBadVersion(error);
}

function isBadVersion(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "KUBE_BAD_RESOURCE_VERSION";
}
