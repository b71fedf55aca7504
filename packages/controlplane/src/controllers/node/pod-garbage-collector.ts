import { isMirrorPod, nodes as nodesResource, type Pod, pods as podsResource } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NODE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { liveObject } from "../live-object.ts";
import { isPodFinished } from "../pod-state.ts";

/** A pod's node must be missing for this long before the pod is removed: a node may just be registering anew. */
const QUARANTINE_MS = 40_000;

/** Most pods that have ended and are still kept, as Kubernetes has it; beyond it the oldest go. */
const TERMINATED_LIMIT = 12_500;
/** Queue key for looking at all pods that have ended; no pod has such a key. */
const TERMINATED = "terminated pods";

/** Removes pods whose node was deleted, as nobody is left who would end them gracefully, and ended ones beyond a number. */
export class PodGarbageCollector implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;
  readonly #terminatedLimit: number;
  /** Since when (monotonic) nodes with pods are missing. */
  readonly #missingSinceMs = new Map<string, number>();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers, terminatedLimit: number = TERMINATED_LIMIT) {
    this.#ports = ports;
    this.#informers = informers;
    this.#terminatedLimit = terminatedLimit;
    this.#logger = ports.logger.child("pod-garbage-collector");
    this.#queue = new WorkQueue({ ...ports, logger: this.#logger, work: (key, signal) => this.#sync(key, signal) });
  }

  start(): void {
    const { nodes, pods } = this.#informers;
    this.#listening.use(
      nodes.listen(({ type, object }) => {
        if (type !== "deleted") {
          this.#missingSinceMs.delete(object.metadata.name);
          return;
        }
        for (const pod of pods.cache.byIndex(BY_NODE, object.metadata.name)) this.#queue.add(objectKey(pod));
      }),
    );
    this.#listening.use(
      pods.listen(({ type, object }) => {
        const { nodeName = "" } = object.spec;
        if (pods.cache.size > this.#terminatedLimit && isPodFinished(object)) this.#queue.add(TERMINATED);
        if (type === "deleted" && pods.cache.byIndex(BY_NODE, nodeName).length === 0)
          this.#missingSinceMs.delete(nodeName);
        else if (type !== "deleted" && this.#isOrphaned(object)) this.#queue.add(objectKey(object));
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  #isOrphaned(pod: Pod): boolean {
    const { nodeName } = pod.spec;
    // CloudCore shows itself on a machine that is no node: nothing was deleted there.
    if (isMirrorPod(pod) && pod.metadata.ownerReferences === undefined) return false;
    return nodeName !== undefined && nodeName !== "" && !this.#informers.nodes.cache.get(nodeName);
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    if (key === TERMINATED) {
      await this.#removeTerminated(signal);
      return;
    }
    const pod = this.#informers.pods.cache.get(key);
    if (!pod || !this.#isOrphaned(pod)) return;
    const { nodeName = "" } = pod.spec;
    const nowMs = this.#ports.clock.monotonicMs();
    const sinceMs = this.#missingSinceMs.get(nodeName) ?? nowMs;
    this.#missingSinceMs.set(nodeName, sinceMs);
    const waitMs = sinceMs + QUARANTINE_MS - nowMs;
    if (waitMs > 0) {
      this.#queue.addAfter(key, waitMs);
      return;
    }
    if (await this.#nodeExists(nodeName, signal)) return;
    const { namespace = "", name } = pod.metadata;
    this.#logger.info("Removing a pod of a deleted node", { namespace, pod: name, node: nodeName });
    await this.#remove(pod, signal);
  }

  async #removeTerminated(signal: AbortSignal): Promise<void> {
    const ended = this.#informers.pods.cache.list().filter(isPodFinished);
    const made = ({ metadata }: Pod): string => metadata.creationTimestamp ?? "";
    const excess = ended
      .sort((left, right) => (made(left) < made(right) ? -1 : 1))
      .slice(0, Math.max(0, ended.length - this.#terminatedLimit));
    for (const pod of excess) await this.#remove(pod, signal);
    if (excess.length > 0) this.#logger.info("Removed the oldest of too many ended pods", { count: excess.length });
  }

  async #remove({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = metadata;
    try {
      const target = { resource: podsResource, namespace, name };
      await this.#ports.api.delete(target, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }

  /** Asks the API server itself: the cache may lag behind. */
  async #nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    return (await liveObject(this.#ports.api, { resource: nodesResource, name }, signal)) !== undefined;
  }
}
