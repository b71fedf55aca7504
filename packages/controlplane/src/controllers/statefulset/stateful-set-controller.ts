import { type Pod, type StatefulSet, statefulSets as statefulSetsResource } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import {
  currentHistory,
  REVISION_HASH,
  type RevisionHistory,
  templateOf,
  trimHistory,
} from "../history/revision-history.ts";
import { nextAvailabilityMs } from "../pod-state.ts";
import { claimPods, followPods, ownerKeysOf } from "../pods/claim-pods.ts";
import { PodControl, type PodFailure, type PodWording, UNSEEN_CHECK_MS } from "../pods/pod-control.ts";
import { writeStatus } from "../write-status.ts";
import { WrittenVersions } from "../written-versions.ts";
import { StatefulClaims } from "./stateful-claims.ts";
import { type Revisions, statefulPlan } from "./stateful-plan.ts";
import { ordinalOf, statefulPod } from "./stateful-pods.ts";
import { statefulSetStatus } from "./stateful-set-status.ts";

const WORDING: PodWording = {
  done: ({ metadata }, verb, pod) => `${verb} Pod ${pod} in StatefulSet ${metadata.name} successful`,
  failed: ({ metadata }, verb, pod, error) =>
    `${verb} Pod ${pod} in StatefulSet ${metadata.name} failed error: ${error}`,
};

/** Keeps the numbered pods of each StatefulSet, with their claims, and rolls new templates out from the last to the first. */
export class StatefulSetController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #pods: PodControl;
  readonly #claims: StatefulClaims;
  readonly #queue: WorkQueue;
  readonly #written = new WrittenVersions();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("statefulset-controller");
    this.#pods = new PodControl(ports, "statefulset-controller", WORDING);
    this.#claims = new StatefulClaims(ports, informers, this.#pods.events);
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 2,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { statefulSets, pods } = this.#informers;
    this.#listening.use(
      statefulSets.listen(({ type, object }) => {
        if (type === "deleted") {
          this.#pods.expectations.forget(object.metadata.uid ?? "");
          this.#written.forget(object);
        }
        this.#queue.add(objectKey(object));
      }),
    );
    this.#listening.use(followPods(pods, this.#pods, (pod) => this.#enqueueOwnersOf(pod)));
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#pods[Symbol.asyncDispose]();
  }

  #enqueueOwnersOf(pod: Pod): void {
    for (const key of ownerKeysOf(pod, "StatefulSet", this.#informers.statefulSets)) this.#queue.add(key);
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const set = this.#informers.statefulSets.cache.get(key);
    // Its pods are the garbage collector's once it is being deleted.
    if (!set || set.metadata.deletionTimestamp || this.#written.isStale(set)) return;
    const { api, clock } = this.#ports;
    const claimed = await claimPods(this.#ports, this.#informers, set, statefulSetsResource, signal);
    const owned = claimed.filter((pod) => ordinalOf(set, pod) !== undefined);
    const history = await currentHistory(api, this.#informers, set, statefulSetsResource, signal);
    const update = history.wanted.metadata.name;
    const isKnown = history.revisions.some(({ metadata }) => metadata.name === set.status?.currentRevision);
    const revisions: Revisions = { update, current: (isKnown && set.status?.currentRevision) || update };
    const nowMs = clock.now();
    let failure: PodFailure | undefined;
    // Before anything is deleted: what goes takes its claims along only if the set wants so now.
    for (const pod of owned) if (!pod.metadata.deletionTimestamp) await this.#claims.reconcileOwners(set, pod, signal);
    if (await this.#pods.isSettled(set, this.#informers.pods.resourceVersion, signal))
      failure = await this.#manage(set, owned, revisions, history, signal);
    else this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    const status = statefulSetStatus(set, owned, revisions, history.collisionCount, nowMs);
    const written = await writeStatus(api, statefulSetsResource, set, status, signal);
    if (written) this.#written.wrote(written);
    const used = new Set([
      revisions.update,
      revisions.current,
      ...owned.map(({ metadata }) => metadata.labels?.[REVISION_HASH] ?? ""),
    ]);
    await trimHistory(api, set, history.revisions, ({ metadata }) => used.has(metadata.name), signal);
    const waitMs = nextAvailabilityMs(owned, set.spec.minReadySeconds, nowMs);
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
    if (this.#pods.expectations.unseenCreations(set.metadata.uid ?? "").length > 0)
      this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    if (failure) throw new Error(failure.message);
  }

  async #manage(
    set: StatefulSet,
    owned: readonly Pod[],
    revisions: Revisions,
    history: RevisionHistory,
    signal: AbortSignal,
  ): Promise<PodFailure | undefined> {
    const { uid = "" } = set.metadata;
    // What was just deleted still stands in the cache: its successor waits until it has gone.
    if (owned.some((pod) => this.#pods.expectations.isBeingDeleted(uid, pod))) return undefined;
    const plan = statefulPlan(set, owned, revisions, this.#ports.clock.now());
    const failure = await this.#pods.deleteAll(set, plan.delete, signal);
    if (failure || plan.create.length === 0) return failure;
    const current = history.revisions.find(({ metadata }) => metadata.name === revisions.current);
    const currentTemplate = (current && templateOf(current)) ?? set.spec.template;
    const created = plan.create.map(({ ordinal, isUpdate }) =>
      statefulPod(
        set,
        ordinal,
        isUpdate ? set.spec.template : currentTemplate,
        isUpdate ? revisions.update : revisions.current,
      ),
    );
    for (const { metadata } of created) await this.#claims.ensure(set, metadata.name, signal);
    return this.#pods.createAll(set, created, signal);
  }
}
