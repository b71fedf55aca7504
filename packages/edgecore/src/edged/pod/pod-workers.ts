import { describeError, type Logger } from "@skerry/base";
import type { EvictablePod } from "../eviction/eviction-manager.ts";
import type { PlacedPod } from "./pod-admission.ts";
import type { PodWorker } from "./pod-worker.ts";

/** The workers of this node's pods, one a pod. */
export class PodWorkers implements Iterable<PodWorker> {
  readonly #logger: Logger;
  readonly #byUid = new Map<string, PodWorker>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#byUid.size;
  }

  get(uid: string): PodWorker | undefined {
    return this.#byUid.get(uid);
  }

  has(uid: string): boolean {
    return this.#byUid.has(uid);
  }

  add(worker: PodWorker): void {
    this.#byUid.set(worker.identity.uid, worker);
  }

  remove(uid: string): void {
    this.#byUid.delete(uid);
  }

  [Symbol.iterator](): Iterator<PodWorker> {
    return this.#byUid.values();
  }

  /** Those of pods of this name: the pod's own, and of one that has lost its name to another. */
  named(namespace: string, name: string): PodWorker[] {
    return [...this].filter(({ identity }) => identity.name === name && identity.namespace === namespace);
  }

  /** Lets held pods start: the one of this name, or all. Returns how many were held. */
  releaseHeld(only?: { readonly namespace: string; readonly name: string }): number {
    const chosen = only ? this.named(only.namespace, only.name) : [...this];
    return chosen.filter((worker) => worker.release()).length;
  }

  /** Pods that take room on the node, or want to. */
  placed(): PlacedPod[] {
    return [...this].flatMap(({ placed }) => placed ?? []);
  }

  /** Pods that are not over. */
  evictable(): EvictablePod[] {
    return [...this].flatMap((worker) => {
      const { living } = worker;
      if (!living) return [];
      return [
        {
          ...living,
          fail: (failure) => worker.fail(failure),
          get isLeaving() {
            return worker.isFailing;
          },
        },
      ];
    });
  }

  /** Images of all pods that are not over, whether they run or not. */
  namedImages(): ReadonlySet<string> {
    const pods = [...this].flatMap(({ living }) => living?.pod ?? []);
    const containers = pods.flatMap(({ spec }) => [
      ...spec.containers,
      ...(spec.initContainers ?? []),
      ...(spec.ephemeralContainers ?? []),
    ]);
    return new Set(containers.flatMap(({ image }) => (image === undefined ? [] : [image])));
  }

  /** The disk is short: what pods have left goes, and unused images. What cannot be removed does not keep the rest. */
  async reclaimDisk(reclaimImages: () => Promise<void>): Promise<void> {
    const attempt = async (what: string, reclaim: () => Promise<void>): Promise<void> => {
      try {
        await reclaim();
      } catch (error) {
        this.#logger.warn("The disk is short, and something on it cannot be removed", {
          what,
          error: describeError(error),
        });
      }
    };
    for (const worker of [...this]) {
      const { namespace, name } = worker.identity;
      await attempt(`what the pod ${namespace}/${name} has left`, () => worker.reclaimDisk());
    }
    await attempt("unused images", reclaimImages);
  }
}
