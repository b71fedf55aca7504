import type { KubernetesObject, ObjectList, Status } from "@skerry/api";
import { type Clock, sleep } from "@skerry/base";
import {
  ApiError,
  type CollectionTarget,
  type DeleteOptions,
  failureStatus,
  isApiError,
  type KubernetesApi,
  type ListOptions,
  type ObjectTarget,
  type Patch,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "@skerry/kube";
import type { CrashPoints } from "./crash-points.ts";
import type { FaultCounters } from "./fault-counters.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { unreachable } from "./true-api.ts";

/** The lies that real API servers tell. Each is counted when told. */
export type ApiLie =
  | "unreachable"
  | "too-many-requests"
  | "failed-but-committed"
  | "answer-lost"
  | "stale-list"
  | "conflict"
  | "watch-lag"
  | "watch-lost"
  | "watch-gone";

/** What was listed before, by collection and page; also by earlier incarnations of the client. */
export type EarlierAnswers = Map<string, ObjectList<KubernetesObject>>;

/** What a {@link LyingApiServer} lives on. */
export interface LyingApiServerOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly counters: FaultCounters;
  readonly earlier: EarlierAnswers;
  /** The client may die at any call. */
  readonly crashPoints: CrashPoints;
}

/**
 * A Kubernetes API between CloudCore and the true one: slow, now and then unreachable, "500 but committed", lists from
 * a cache that lags, watches that lag, break off or begin with 410. It never lies about what it has stored: that is the truth checkers read.
 */
export class LyingApiServer implements KubernetesApi {
  readonly #inner: KubernetesApi;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #counters: FaultCounters;
  readonly #earlier: EarlierAnswers;
  readonly #crashPoints: CrashPoints;
  /** Chance of a lie per call, 0…1; 0 when faults have stopped. */
  lieProbability = 0;
  /** Nothing is answered at all. */
  down = false;
  /** Its caches stand still: lists are old ones, watches bring nothing. */
  lagging = false;

  constructor(inner: KubernetesApi, { clock, random, counters, earlier, crashPoints }: LyingApiServerOptions) {
    this.#inner = inner;
    this.#clock = clock;
    this.#random = random;
    this.#counters = counters;
    this.#earlier = earlier;
    this.#crashPoints = crashPoints;
  }

  async get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T> {
    await this.#read(signal);
    return this.#crashPoints.around("api", () => this.#inner.get<T>(target, signal));
  }

  async list<T extends KubernetesObject>(target: CollectionTarget, options?: ListOptions): Promise<ObjectList<T>> {
    await this.#read(options?.signal);
    const key = `${target.resource.resource} ${options?.limit} ${options?.continue}`;
    const earlier = this.#earlier.get(key);
    if (earlier && (this.lagging || this.#lies("stale-list", 2))) return earlier as ObjectList<T>;
    const list = await this.#crashPoints.around("api", () => this.#inner.list<T>(target, options));
    this.#earlier.set(key, list);
    return list;
  }

  create<T extends KubernetesObject>(target: CollectionTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#inner.create(target, object, options), false, options?.signal);
  }

  createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options?: WriteOptions,
  ): Promise<T> {
    return this.#write(() => this.#inner.createSubresource<T>(target, object, options), false, options?.signal);
  }

  update<T extends KubernetesObject>(target: ObjectTarget, object: T, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#inner.update(target, object, options), true, options?.signal);
  }

  patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options?: WriteOptions): Promise<T> {
    return this.#write(() => this.#inner.patch<T>(target, patch, options), false, options?.signal);
  }

  delete(target: ObjectTarget, options?: DeleteOptions): Promise<KubernetesObject | Status> {
    return this.#write(() => this.#inner.delete(target, options), false, options?.signal);
  }

  async *watch<T extends KubernetesObject>(
    target: CollectionTarget,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    await this.#read(options.signal);
    if (this.#lies("watch-gone", 0.3)) {
      throw new ApiError(failureStatus(410, "Expired", "too old resource version (simulated)"));
    }
    const controller = new AbortController();
    const stop = (): void => controller.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", stop, { once: true });
    try {
      for await (const event of this.#inner.watch<T>(target, { ...options, signal: controller.signal })) {
        await sleep(this.#clock, this.#random.between(1, 20), options.signal);
        if (this.#lies("watch-lag", 1)) await sleep(this.#clock, this.#random.between(200, 3000), options.signal);
        while (this.lagging) await sleep(this.#clock, 500, options.signal);
        if (this.down || this.#lies("watch-lost", 0.3)) throw unreachable();
        yield event;
      }
    } finally {
      options.signal?.removeEventListener("abort", stop);
      controller.abort();
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<void> {
    await sleep(this.#clock, this.#random.between(1, 15), signal);
    if (this.down || this.#lies("unreachable", 0.5)) throw unreachable();
    if (this.#lies("too-many-requests", 0.3)) throw tooManyRequests();
  }

  async #write<T>(write: () => Promise<T>, conditional: boolean, signal: AbortSignal | undefined): Promise<T> {
    await this.#read(signal);
    if (conditional && this.#lies("conflict", 0.3)) {
      throw new ApiError(failureStatus(409, "Conflict", "the object has been modified (simulated)"));
    }
    const result = await this.#crashPoints.around("api", () => this.#noting(write()));
    await sleep(this.#clock, this.#random.between(1, 15), signal);
    if (this.#lies("failed-but-committed", 0.5)) {
      throw new ApiError(failureStatus(500, "InternalError", "etcdserver: request timed out (simulated)"));
    }
    if (this.#lies("answer-lost", 0.5)) throw unreachable();
    return result;
  }

  /** Counts the conflicts that the true API answers. */
  async #noting<T>(writing: Promise<T>): Promise<T> {
    try {
      return await writing;
    } catch (error) {
      if (isApiError(error, "Conflict")) this.#counters.count("conflict answered");
      throw error;
    }
  }

  #lies(lie: ApiLie, weight: number): boolean {
    if (this.lieProbability === 0 || !this.#random.chance(this.lieProbability * weight)) return false;
    this.#counters.count(lie);
    return true;
  }
}

function tooManyRequests(): ApiError {
  return new ApiError(failureStatus(429, "TooManyRequests", "too many requests (simulated)", { retryAfterSeconds: 1 }));
}
