import { isMirrorPod, nodes as nodesResource, type Pod, pods as podsResource } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NODE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";

/** A pod's node must be missing for this long before the pod is removed: a node may just be registering anew. */
const QUARANTINE_MS = 40_000;

/** Removes pods whose node was deleted: nobody is left who would end them gracefully. */
export class PodGarbageCollector implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;
  /** Since when (monotonic) nodes with pods are missing. */
  readonly #missingSinceMs = new Map<string, number>();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
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
    const { namespace = "", name, uid = "" } = pod.metadata;
    this.#logger.info("Removing a pod of a deleted node", { namespace, pod: name, node: nodeName });
    try {
      const target = { resource: podsResource, namespace, name };
      await this.#ports.api.delete(target, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }

  /** Asks the API server itself: the cache may lag behind. */
  async #nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#ports.api.get({ resource: nodesResource, name }, signal);
      return true;
    } catch (error) {
      if (isApiError(error, "NotFound")) return false;
      throw error;
    }
  }
}
