import { abortReason, type Clock, disposable, type Timer } from "@skerry/base";
import type { Change } from "./change.ts";
import { expired } from "./status-errors.ts";
import type { StoreView } from "./store-session.ts";

/** Where changes are read that the feed no longer has in memory. */
export interface ChangeLog {
  read<T>(work: (view: StoreView) => T): T;
}

/** Wakes a watch that has seen everything, and tells it up to which revision nothing more concerns it. */
type Wake = (seenRevision: number) => void;

/** Newest changes kept in memory, by number and by the length of their texts. */
const RECENT_LIMIT = 1_000;
const RECENT_LIMIT_CHARACTERS = 8 * 1024 * 1024;
/** Changes handed out in one go. */
const BATCH_LIMIT = 200;

/**
 * Hands committed changes to the watches in the order of their revisions, without gaps. A watch pulls: it keeps only
 * the revision it has seen, so a slow one costs no memory; when even the log has moved past it, it gets 410.
 */
export class ChangeFeed {
  readonly #log: ChangeLog;
  readonly #recent: Change[] = [];
  /** By resource, so that a change costs nothing for the watches of others; all have seen {@link revision} or more. */
  readonly #waiting = new Map<string, Set<Wake>>();
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #recentCharacters = 0;
  #revision: number | undefined;
  #logReadCount = 0;

  constructor(log: ChangeLog) {
    this.#log = log;
  }

  /** The revision up to which changes have been handed in. */
  get revision(): number {
    this.#revision ??= this.#log.read((view) => view.revision);
    return this.#revision;
  }

  /** Calls `listener` with committed changes before the writer hears of its success. */
  subscribe(listener: (changes: readonly Change[]) => void): Disposable {
    this.#listeners.add(listener);
    return disposable(() => this.#listeners.delete(listener));
  }

  /** Takes committed changes; those that come late or out of order are read from the log instead. */
  append(changes: readonly Change[]): void {
    let isGapless = true;
    const seenRevision = this.revision;
    for (const change of changes) {
      if (change.revision <= this.revision) continue;
      if (change.revision === this.revision + 1) {
        this.#recent.push(change);
        this.#recentCharacters += sizeOf(change);
        this.#revision = change.revision;
      } else {
        isGapless = false;
        this.#recent.length = 0;
        this.#recentCharacters = 0;
        this.#revision = this.#log.read((view) => view.revision);
      }
    }
    this.#forgetOldest();
    for (const listener of this.#listeners) listener(changes);
    const concerned = isGapless ? new Set(changes.map(({ key }) => key.resource)) : [...this.#waiting.keys()];
    for (const resource of concerned) for (const wake of [...(this.#waiting.get(resource) ?? [])]) wake(seenRevision);
  }

  /**
   * The next changes after `revision`, oldest first; empty when there are none yet.
   * @throws ApiError 410 Expired when the log no longer reaches back that far
   */
  next(revision: number): readonly Change[] {
    if (revision >= this.revision) return [];
    const first = this.#recent[0];
    if (first && first.revision <= revision + 1) {
      const start = revision + 1 - first.revision;
      return this.#recent.slice(start, start + BATCH_LIMIT);
    }
    this.#logReadCount++;
    return this.#log.read((view) => {
      const compacted = view.compactedRevision;
      if (revision < compacted) throw expired(revision, compacted);
      return view.changesAfter(revision, BATCH_LIMIT);
    });
  }

  /** How often a watch was too far behind for the memory and was served from the log. */
  get logReadCount(): number {
    return this.#logReadCount;
  }

  /**
   * Resolves when there may be changes of a resource after `revision`, or when `timeoutMs` have passed, with the revision up
   * to which there are none; rejects when aborted.
   */
  wait(
    revision: number,
    resource: string,
    clock: Clock,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    if (this.revision > revision) return Promise.resolve(revision);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortReason(signal));
        return;
      }
      const settle = (finish: () => void): void => {
        timer.cancel();
        this.#forgetWaiting(resource, wake);
        signal?.removeEventListener("abort", onAbort);
        finish();
      };
      const wake: Wake = (seenRevision) => settle(() => resolve(Math.max(revision, seenRevision)));
      const onAbort = (): void => settle(() => reject(signal ? abortReason(signal) : undefined));
      const timer: Timer = clock.setTimer(timeoutMs, () => wake(this.revision));
      const waiting = this.#waiting.get(resource);
      if (waiting) waiting.add(wake);
      else this.#waiting.set(resource, new Set([wake]));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #forgetWaiting(resource: string, wake: Wake): void {
    const waiting = this.#waiting.get(resource);
    waiting?.delete(wake);
    if (waiting?.size === 0) this.#waiting.delete(resource);
  }

  #forgetOldest(): void {
    let count = 0;
    while (
      this.#recent.length - count > RECENT_LIMIT ||
      (this.#recentCharacters > RECENT_LIMIT_CHARACTERS && this.#recent.length - count > 1)
    ) {
      const oldest = this.#recent[count++];
      if (oldest) this.#recentCharacters -= sizeOf(oldest);
    }
    if (count > 0) this.#recent.splice(0, count);
  }
}

function sizeOf(change: Change): number {
  return change.text.length + (change.previousText?.length ?? 0);
}
