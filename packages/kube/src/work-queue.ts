import {
  abortReason,
  type Clock,
  describeError,
  type Logger,
  type Random,
  type RetryPolicy,
  RetrySchedule,
  type Timer,
} from "@skerry/base";
import { isApiError } from "./api-error.ts";
import { WaitingKeys } from "./waiting-keys.ts";

/** What a work queue does and lives on. */
export interface WorkQueueOptions {
  /** Brings the thing behind `key` to its desired state; a throw means: again later. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Keys worked on at the same time. @default 1 */
  readonly concurrency?: number;
  /** Keys with a higher number come first; asked when a key begins to wait. @default all are alike */
  readonly priorityOf?: (key: string) => number;
  /** Delays after failures, per key. @default 50 ms … 60 s */
  readonly retry?: RetryPolicy;
  /** Most keys waiting, delayed ones included; further ones are refused, counted and logged. @default 100_000 */
  readonly limit?: number;
}

const DEFAULT_RETRY: RetryPolicy = { initialMs: 50, maximumMs: 60_000 };

/**
 * Work by key: a key waits at most once, is never worked on twice at the same time, and comes again after a failure
 * with growing delays.
 */
export class WorkQueue implements AsyncDisposable {
  readonly #options: WorkQueueOptions;
  readonly #limit: number;
  readonly #concurrency: number;
  /** Keys to be worked on, in order; also those that changed while being worked on. */
  readonly #waiting = new WaitingKeys();
  readonly #active = new Set<string>();
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #schedules = new Map<string, RetrySchedule>();
  readonly #abort = new AbortController();
  readonly #idleWaiters: (() => void)[] = [];
  #started = false;
  #droppedCount = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#limit = options.limit ?? 100_000;
    this.#concurrency = options.concurrency ?? 1;
  }

  /** Keys waiting, without delayed ones and those being worked on. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Keys refused because of the limit. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Begins to work; keys may be added before. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  /** Asks for work on `key` as soon as possible. */
  add(key: string): void {
    if (this.#abort.signal.aborted || this.#waiting.has(key)) return;
    const delayed = this.#delayed.get(key);
    if (!delayed && this.#isFull(key)) return;
    delayed?.timer.cancel();
    this.#delayed.delete(key);
    this.#waiting.add(key, this.#options.priorityOf?.(key) ?? 0);
    this.#pump();
  }

  /** Asks for work on `key` after `delayMs`; the earliest of several wishes counts. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    if (this.#abort.signal.aborted || this.#waiting.has(key)) return;
    const dueMs = this.#options.clock.monotonicMs() + delayMs;
    const existing = this.#delayed.get(key);
    if (existing && existing.dueMs <= dueMs) return;
    if (!existing && this.#isFull(key)) return;
    existing?.timer.cancel();
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  /** Resolves when nothing is waiting or being worked on; delayed keys do not count. */
  whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Stops: waits for what is being worked on, forgets the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#schedules.clear();
    this.#tellIdle();
    await this.whenIdle();
  }

  #isFull(key: string): boolean {
    if (this.#waiting.size + this.#delayed.size < this.#limit) return false;
    this.#droppedCount++;
    this.#options.logger.error("The work queue is full; a key is left out", { key, limit: this.#limit });
    return true;
  }

  #isIdle(): boolean {
    return this.#waiting.size === 0 && this.#active.size === 0;
  }

  #pump(): void {
    if (!this.#started) return;
    for (const key of this.#waiting) {
      if (this.#active.size >= this.#concurrency) return;
      if (this.#active.has(key)) continue;
      this.#waiting.delete(key);
      this.#active.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const { work, logger } = this.#options;
    const { signal } = this.#abort;
    try {
      // The promise makes the work start after the caller of add() is through.
      await Promise.resolve();
      if (signal.aborted) throw abortReason(signal);
      await work(key, signal);
      this.#schedules.delete(key);
    } catch (error) {
      if (!signal.aborted) {
        const level = isApiError(error, "Conflict") ? "debug" : "warn";
        logger[level]("Work failed; trying again", { key, error: describeError(error) });
        this.addAfter(key, this.#scheduleOf(key).nextDelayMs());
      }
    } finally {
      this.#active.delete(key);
      this.#pump();
      this.#tellIdle();
    }
  }

  #scheduleOf(key: string): RetrySchedule {
    const existing = this.#schedules.get(key);
    if (existing) return existing;
    const created = new RetrySchedule(this.#options.retry ?? DEFAULT_RETRY, this.#options.random);
    this.#schedules.set(key, created);
    return created;
  }

  #tellIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
