import { type Clock, type Random, randomInteger } from "@skerry/base";
import { ApiError, failureStatus, isResourceVersion } from "@skerry/kube";
import type { ApiObject } from "./api-object.ts";
import type { Change, ChangeType } from "./change.ts";
import { type CollectionAt, storedCollection } from "./list-collection.ts";
import { entriesAt } from "./list-snapshot.ts";
import type { ObjectStore } from "./object-store.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { revisionTooLarge, tooManyRequests } from "./status-errors.ts";
import { parseObject } from "./store-session.ts";

/** How many watches of clients may run at the same time; the control plane's own do not count. */
export interface WatchLimits {
  readonly inAll: number;
  /** Less than all, so that one client leaves some to the others. */
  readonly ofOneUser: number;
}

const LIMITS: WatchLimits = { inAll: 12_000, ofOneUser: 10_000 };
const BOOKMARK_EVERY_MS = 60_000;
/** A watch without `timeoutSeconds` ends after 30 to 60 minutes, as Kubernetes does it. */
const SHORTEST_TIMEOUT_MS = 30 * 60_000;

/** What a watcher sees next. `ADDED` objects of the first state carry `text` too. */
export type CollectionEvent =
  | { readonly type: ChangeType; readonly text: string; readonly object: ApiObject }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly initialEventsEnd: boolean };

/** How to watch. */
export interface CollectionWatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Empty or `0`: the present state first, as `ADDED`. */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  /** The present state first, then a bookmark that says so. */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** Whose share it takes; left out: the control plane's own. */
  readonly username?: string;
}

/** Runs the watches of one API server. */
export class CollectionWatches {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: WatchLimits;
  readonly #runningOf = new Map<string, number>();
  #running = 0;
  #refused = 0;

  constructor(store: ObjectStore, clock: Clock, random: Random, limits: WatchLimits = LIMITS) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
  }

  /** Watches of clients that are running now. */
  get runningCount(): number {
    return this.#running;
  }

  /** Watches refused because too many were running. */
  get refusedCount(): number {
    return this.#refused;
  }

  /**
   * The changes of a collection in the order of their revisions, without gaps; ends when its time is up. While it
   * runs, it throws ApiError 410 Expired when the log has moved past it, and the signal's reason when aborted.
   * @throws ApiError BadRequest, 504 Timeout (a revision that does not exist yet), 429, before it begins
   */
  watch(at: CollectionAt, options: CollectionWatchOptions): AsyncGenerator<CollectionEvent, void> {
    const selection = selectionOf(at.definition, options.labelSelector, options.fieldSelector);
    const asked = parseRevision(options.resourceVersion);
    const current = this.#store.read((view) => view.revision);
    if (asked > current) throw revisionTooLarge(asked, current);
    if (options.username !== undefined) this.#checkShare(options.username);
    return this.#run(at, selection, asked, options);
  }

  #checkShare(username: string): void {
    const isFull = this.#running >= this.#limits.inAll;
    if (!isFull && (this.#runningOf.get(username) ?? 0) < this.#limits.ofOneUser) return;
    this.#refused++;
    throw tooManyRequests(
      isFull
        ? "too many watches are running, please try again later"
        : `user ${JSON.stringify(username)} has ${this.#limits.ofOneUser} watches running, as many as one user may have`,
    );
  }

  #count(username: string | undefined, change: 1 | -1): void {
    if (username === undefined) return;
    this.#running += change;
    const own = (this.#runningOf.get(username) ?? 0) + change;
    if (own > 0) this.#runningOf.set(username, own);
    else this.#runningOf.delete(username);
  }

  async *#run(
    at: CollectionAt,
    selection: Selection,
    asked: number,
    options: CollectionWatchOptions,
  ): AsyncGenerator<CollectionEvent, void> {
    this.#count(options.username, 1);
    try {
      let from = asked;
      if (asked === 0 || options.sendInitialEvents === true) {
        const state = this.#store.read((view) => ({
          revision: view.revision,
          entries: entriesAt(view, storedCollection(at, selection), view.revision),
        }));
        from = state.revision;
        for (const { text } of state.entries) {
          const object = parseObject(text);
          if (selection.matches(object)) yield { type: "ADDED", text, object };
        }
        if (options.sendInitialEvents && options.allowWatchBookmarks)
          yield { type: "BOOKMARK", revision: from, initialEventsEnd: true };
      }
      yield* this.#follow(at, selection, from, options);
    } finally {
      this.#count(options.username, -1);
    }
  }

  async *#follow(
    at: CollectionAt,
    selection: Selection,
    from: number,
    options: CollectionWatchOptions,
  ): AsyncGenerator<CollectionEvent, void> {
    const { feed } = this.#store;
    const timeoutMs = options.timeoutSeconds
      ? options.timeoutSeconds * 1000
      : SHORTEST_TIMEOUT_MS + randomInteger(this.#random, SHORTEST_TIMEOUT_MS);
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    let bookmarkMs = this.#clock.monotonicMs() + BOOKMARK_EVERY_MS;
    let revision = from;
    for (;;) {
      const changes = feed.next(revision);
      for (const change of changes) {
        revision = change.revision;
        const event = eventFor(at, selection, change);
        if (event) yield event;
      }
      const nowMs = this.#clock.monotonicMs();
      if (nowMs >= endMs) return;
      if (options.allowWatchBookmarks && nowMs >= bookmarkMs) {
        bookmarkMs = nowMs + BOOKMARK_EVERY_MS;
        yield { type: "BOOKMARK", revision, initialEventsEnd: false };
      }
      if (changes.length > 0) continue;
      const waitMs = Math.min(endMs, bookmarkMs) - nowMs;
      revision = await feed.wait(revision, at.definition.storageKey, this.#clock, waitMs, options.signal);
    }
  }
}

/** How a change looks through a selection: an object may enter or leave it. */
function eventFor(at: CollectionAt, selection: Selection, change: Change): CollectionEvent | undefined {
  if (change.key.resource !== at.definition.storageKey) return undefined;
  if (at.namespace !== undefined && change.key.namespace !== at.namespace) return undefined;
  const { text } = change;
  if (selection.everything) return { type: change.type, text, object: change.object };
  const matched = change.previous !== undefined && selection.matches(change.previous);
  if (change.type === "DELETED") return matched ? { type: "DELETED", text, object: change.object } : undefined;
  const matches = selection.matches(change.object);
  if (matches) return { type: matched ? "MODIFIED" : "ADDED", text, object: change.object };
  return matched ? leftSelection(change) : undefined;
}

/** A deletion as Kubernetes shows it: the last state that matched, under the revision at which it left. */
function leftSelection(change: Change): CollectionEvent {
  const object = parseObject(change.previousText ?? change.text);
  object.metadata.resourceVersion = String(change.revision);
  return { type: "DELETED", text: JSON.stringify(object), object };
}

function parseRevision(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (isResourceVersion(text)) return Number(text);
  // The real server answers 500 without a reason here.
  const shown = JSON.stringify(text.slice(0, 64));
  const message = `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`;
  const { reason: _reason, ...status } = failureStatus(500, "InternalError", message);
  throw new ApiError(status);
}
