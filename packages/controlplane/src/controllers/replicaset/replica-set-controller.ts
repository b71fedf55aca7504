import type { Pod, ReplicaSet } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { isPodActive, nextAvailabilityMs } from "../pod-state.ts";
import { claimPods, followPods, ownerKeysOf } from "../pods/claim-pods.ts";
import { PodControl, type PodFailure, UNSEEN_CHECK_MS } from "../pods/pod-control.ts";
import { freshPodName, podFromTemplate } from "../pods/pod-from-template.ts";
import { writeStatus } from "../write-status.ts";
import { podsToDelete } from "./pod-deletion-order.ts";
import { type ReplicaKind, replicaSetKind } from "./replica-kind.ts";
import { replicaSetStatus } from "./replica-set-status.ts";

/** Most pods created or deleted in one go for one ReplicaSet. */
const BURST = 500;

/** Keeps as many pods alive as each ReplicaSet wants, or each object of a kind that is like it. */
export class ReplicaSetController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #kind: ReplicaKind;
  readonly #logger: Logger;
  readonly #pods: PodControl;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers, kind: ReplicaKind = replicaSetKind(informers)) {
    this.#ports = ports;
    this.#informers = informers;
    this.#kind = kind;
    this.#logger = ports.logger.child(kind.controllerName);
    this.#pods = new PodControl(ports, kind.controllerName);
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 5,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    this.#listening.use(
      this.#kind.informer.listen(({ type, object }) => {
        if (type === "deleted") this.#pods.expectations.forget(object.metadata.uid ?? "");
        this.#queue.add(objectKey(object));
      }),
    );
    this.#listening.use(followPods(this.#informers.pods, this.#pods, (pod) => this.#enqueueOwnersOf(pod)));
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#pods[Symbol.asyncDispose]();
  }

  #enqueueOwnersOf(pod: Pod): void {
    for (const key of ownerKeysOf(pod, this.#kind.kind, this.#kind.informer)) this.#queue.add(key);
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const replicaSet = this.#kind.informer.cache.get(key);
    if (!replicaSet) return;
    const { uid = "" } = replicaSet.metadata;
    const owned = await claimPods(this.#ports, this.#informers, replicaSet, this.#kind.resource, signal);
    let active = owned.filter((pod) => isPodActive(pod) && !this.#pods.expectations.isBeingDeleted(uid, pod));
    let failure: PodFailure | undefined;
    this.#pods.expectations.cacheReached(uid, this.#informers.pods.resourceVersion);
    if (replicaSet.metadata.deletionTimestamp === undefined) {
      const wanted = replicaSet.spec.replicas ?? 1;
      // Pods created (or perhaps created) that the cache does not show count as there: never create too many.
      const shown = new Set(owned.map(({ metadata }) => metadata.name));
      const unseen = this.#pods.expectations.unseenCreations(uid).filter((name) => !shown.has(name));
      const missing = wanted - active.length;
      if (missing > 0) failure = await this.#create(replicaSet, Math.min(missing, BURST), unseen, signal);
      else
        for (const name of this.#pods.expectations.unconfirmedCreations(uid))
          await this.#pods.resolve(replicaSet, name, signal);
      if (missing < 0) {
        const doomed = podsToDelete(active, Math.min(-missing, BURST));
        failure = await this.#pods.deleteAll(replicaSet, doomed, signal);
        active = active.filter((pod) => !this.#pods.expectations.isBeingDeleted(uid, pod));
      }
    }
    const terminating = owned.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length;
    await this.#writeStatus(replicaSet, active, terminating, failure, signal);
    const waitMs = nextAvailabilityMs(active, replicaSet.spec.minReadySeconds, this.#ports.clock.now());
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
    if (this.#pods.expectations.unseenCreations(uid).length > 0) this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    if (failure) throw new Error(failure.message);
  }

  /** Creates missing pods; those whose creation got no answer are tried again under their name. */
  #create(
    replicaSet: ReplicaSet,
    missing: number,
    unseen: readonly string[],
    signal: AbortSignal,
  ): Promise<PodFailure | undefined> {
    const { uid = "", name } = replicaSet.metadata;
    const names = new Set(unseen.slice(0, missing));
    while (names.size < missing) freshPodName(name, this.#ports.random, names);
    // Confirmed pods only wait for the cache.
    const unconfirmed = this.#pods.expectations.unconfirmedCreations(uid);
    const toCreate = [...names].filter((chosen) => !unseen.includes(chosen) || unconfirmed.includes(chosen));
    const pods = toCreate.map((chosen) => podFromTemplate(replicaSet, replicaSet.spec.template, chosen));
    return this.#pods.createAll(replicaSet, pods, signal);
  }

  async #writeStatus(
    replicaSet: ReplicaSet,
    active: readonly Pod[],
    terminatingCount: number,
    failure: PodFailure | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const epochMs = this.#ports.clock.now();
    const now = { epochMs, text: toKubernetesTime(epochMs) };
    const { resource, toStatus, toWritten } = this.#kind;
    const status = toStatus(replicaSetStatus(replicaSet, active, terminatingCount, failure, now));
    await writeStatus(this.#ports.api, resource, toWritten(replicaSet), status, signal);
  }
}
