import type { KubernetesObject } from "@skerry/api";
import { ApiError, failureStatus } from "../api-error.ts";
import type { CollectionTarget, KubernetesApi, WatchEvent, WatchOptions } from "../kubernetes-api.ts";
import { matchesFields, parseFieldSelector } from "../selectors/field-selector.ts";
import { matchesLabels, parseLabelSelector } from "../selectors/label-selector.ts";

/** One committed change. */
export interface Change {
  readonly revision: number;
  /** Group and plural of the collection. */
  readonly collection: string;
  readonly before: KubernetesObject | undefined;
  readonly after: KubernetesObject | undefined;
}

/** `group/plural`, independent of the version. */
export function collectionOf(target: CollectionTarget): string {
  return `${target.resource.group}/${target.resource.resource}`;
}

/** Whether an object belongs to what a list or watch asked for. */
export function selects(
  target: CollectionTarget,
  options: { readonly labelSelector?: string; readonly fieldSelector?: string },
): (object: KubernetesObject | undefined) => boolean {
  const labels = parseLabelSelector(options.labelSelector ?? "");
  const fields = parseFieldSelector(options.fieldSelector ?? "");
  return (object) =>
    object !== undefined &&
    (target.namespace === undefined || object.metadata.namespace === target.namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, object);
}

/** All changes since the last compaction, and the watches that read them. */
export class ChangeLog {
  readonly #changes: Change[] = [];
  readonly #sleepers = new Set<() => void>();
  /** Bumped to end all open watches, as a server does when it restarts. */
  #closings = 0;
  #compactedRevision = 0;
  #bookmarks = 0;
  readonly #onAppend: (change: Change) => void;

  /** `onAppend` hears of each change. */
  constructor(onAppend: (change: Change) => void = () => {}) {
    this.#onAppend = onAppend;
  }

  append(change: Change): void {
    this.#changes.push(change);
    this.#onAppend(change);
    this.#wake();
  }

  /** Forgets changes up to and including `revision`: a watch from before it gets 410. */
  compact(revision: number): void {
    this.#compactedRevision = Math.max(this.#compactedRevision, revision);
    while ((this.#changes[0]?.revision ?? Number.POSITIVE_INFINITY) <= revision) this.#changes.shift();
    this.#wake();
  }

  /** The server starts anew with that revision as its newest and no history. */
  restart(revision: number): void {
    this.#changes.length = 0;
    this.#compactedRevision = revision;
    this.closeWatches();
  }

  /** Ends all open watches normally. */
  closeWatches(): void {
    this.#closings++;
    this.#wake();
  }

  /** Sends a bookmark to each open watch that allows them. */
  sendBookmarks(): void {
    this.#bookmarks++;
    this.#wake();
  }

  /** See {@link KubernetesApi.watch}. */
  async *watch(
    target: CollectionTarget,
    options: WatchOptions,
    currentRevision: () => number,
  ): AsyncGenerator<WatchEvent> {
    const selected = selects(target, options);
    const collection = collectionOf(target);
    const closings = this.#closings;
    let bookmarks = this.#bookmarks;
    let seen = Number(options.resourceVersion);
    while (!options.signal?.aborted && closings === this.#closings) {
      if (seen < this.#compactedRevision) throw expired(options.resourceVersion, this.#compactedRevision);
      for (const change of this.#changes.filter(({ revision }) => revision > seen)) {
        if (options.signal?.aborted) return;
        seen = change.revision;
        if (change.collection !== collection) continue;
        const event = eventOf(change, selected);
        if (event) yield event;
      }
      if (bookmarks !== this.#bookmarks) {
        bookmarks = this.#bookmarks;
        if (options.allowWatchBookmarks) yield { type: "BOOKMARK", resourceVersion: String(currentRevision()) };
      }
      const newest = this.#changes.at(-1)?.revision ?? 0;
      if (newest <= seen && seen >= this.#compactedRevision) await this.#sleep(options.signal);
    }
  }

  #wake(): void {
    const sleepers = [...this.#sleepers];
    this.#sleepers.clear();
    for (const wake of sleepers) wake();
  }

  #sleep(signal: AbortSignal | undefined): Promise<void> {
    // Aborted while the reader had an event: its listeners are not called any more.
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}

/** What a watch with this selection sees of a change: entering it is ADDED, leaving it is DELETED. */
function eventOf(
  { before, after, revision }: Change,
  selected: (object: KubernetesObject | undefined) => boolean,
): WatchEvent | undefined {
  const was = selected(before);
  const is = selected(after);
  if (is && after) return { type: was ? "MODIFIED" : "ADDED", object: structuredClone(after) };
  if (!was || !before) return undefined;
  const object = structuredClone(before);
  object.metadata.resourceVersion = String(revision);
  return { type: "DELETED", object };
}

function expired(resourceVersion: string, compacted: number): ApiError {
  return new ApiError(failureStatus(410, "Expired", `too old resource version: ${resourceVersion} (${compacted})`));
}
