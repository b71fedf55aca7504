import { type Pod, pods as podsResource, type ReplicaSet, replicaSets as replicaSetsResource } from "@skerry/api";
import { describeError, type Logger, randomNameSuffix, toKubernetesTime } from "@skerry/base";
import { ApiError, asJson, isApiError, jsonEqual, labelSelectorPredicate, objectKey, WorkQueue } from "@skerry/kube";
import { claimObjects } from "../claim.ts";
import { BY_CONTROLLER, BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { isNamespaceGoing } from "../namespace/namespace-state.ts";
import { controllerOf, controllerReference } from "../owner-references.ts";
import { isPodActive } from "../pod-state.ts";
import { podsToDelete } from "./pod-deletion-order.ts";
import { PodExpectations } from "./pod-expectations.ts";
import { nextAvailabilityMs, type ReplicaFailure, replicaSetStatus } from "./replica-set-status.ts";

/** Most pods created or deleted in one go for one ReplicaSet. */
const BURST = 500;

/** When to look again for pods that were created but never shown by the cache: they may have come and gone unseen. */
const UNSEEN_CHECK_MS = 5_000;

/** Keeps as many pods alive as each ReplicaSet wants. */
export class ReplicaSetController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #expectations = new PodExpectations();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("replicaset-controller");
    this.#events = new EventRecorder(ports, "replicaset-controller");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 5,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { replicaSets, pods } = this.#informers;
    this.#listening.use(
      replicaSets.listen(({ type, object }) => {
        if (type === "deleted") this.#expectations.forget(object.metadata.uid ?? "");
        this.#queue.add(objectKey(object));
      }),
    );
    this.#listening.use(
      pods.listen((event) => {
        const owner = controllerOf(event.object);
        if (owner) this.#expectations.observe(owner.uid, event.object, event.type === "deleted");
        this.#enqueueOwnersOf(event.object);
        if (event.type === "updated" && controllerOf(event.before)?.uid !== owner?.uid)
          this.#enqueueOwnersOf(event.before);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  #enqueueOwnersOf(pod: Pod): void {
    const { namespace = "" } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner) {
      if (owner.kind === "ReplicaSet") this.#queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const replicaSet of this.#informers.replicaSets.cache.byIndex(BY_NAMESPACE, namespace)) {
      if (labelSelectorPredicate(replicaSet.spec.selector)(pod.metadata.labels)) this.#queue.add(objectKey(replicaSet));
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const replicaSet = this.#informers.replicaSets.cache.get(key);
    if (!replicaSet) return;
    const { uid = "" } = replicaSet.metadata;
    const owned = await this.#claim(replicaSet, signal);
    let active = owned.filter((pod) => isPodActive(pod) && !this.#expectations.isBeingDeleted(uid, pod));
    let failure: ReplicaFailure | undefined;
    this.#expectations.cacheReached(uid, this.#informers.pods.resourceVersion);
    if (replicaSet.metadata.deletionTimestamp === undefined) {
      const wanted = replicaSet.spec.replicas ?? 1;
      // Pods created (or perhaps created) that the cache does not show count as there: never create too many.
      const shown = new Set(owned.map(({ metadata }) => metadata.name));
      const unseen = this.#expectations.unseenCreations(uid).filter((name) => !shown.has(name));
      const missing = wanted - active.length;
      if (missing > 0) failure = await this.#create(replicaSet, Math.min(missing, BURST), unseen, signal);
      else
        for (const name of this.#expectations.unconfirmedCreations(uid)) await this.#resolve(replicaSet, name, signal);
      if (missing < 0) {
        const doomed = podsToDelete(active, Math.min(-missing, BURST));
        failure = await this.#delete(replicaSet, doomed, signal);
        active = active.filter((pod) => !this.#expectations.isBeingDeleted(uid, pod));
      }
    }
    const terminating = owned.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length;
    await this.#writeStatus(replicaSet, active, terminating, failure, signal);
    const waitMs = nextAvailabilityMs(replicaSet, active, this.#ports.clock.now());
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
    if (this.#expectations.unseenCreations(uid).length > 0) this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    if (failure) throw new Error(failure.message);
  }

  #claim(replicaSet: ReplicaSet, signal: AbortSignal): Promise<Pod[]> {
    const { cache } = this.#informers.pods;
    const matches = labelSelectorPredicate(replicaSet.spec.selector);
    const { namespace = "", uid = "" } = replicaSet.metadata;
    const orphans = cache.byIndex(BY_NAMESPACE, namespace).filter((pod) => !controllerOf(pod) && isPodActive(pod));
    return claimObjects([...cache.byIndex(BY_CONTROLLER, uid), ...orphans], {
      api: this.#ports.api,
      owner: replicaSet,
      resource: podsResource,
      ownerResource: replicaSetsResource,
      matches: (pod) => matches(pod.metadata.labels),
      signal,
    });
  }

  /** Creates pods in growing batches, so that a quota or a broken template costs a few refusals, not hundreds. */
  async #create(
    replicaSet: ReplicaSet,
    missing: number,
    unseen: readonly string[],
    signal: AbortSignal,
  ): Promise<ReplicaFailure | undefined> {
    const { uid = "", name } = replicaSet.metadata;
    const names = unseen.slice(0, missing);
    while (names.length < missing) {
      const chosen = `${name.slice(0, 57)}-${randomNameSuffix(this.#ports.random)}`;
      if (!names.includes(chosen)) names.push(chosen);
    }
    // Confirmed pods only wait for the cache; those whose creation got no answer are tried again under their name.
    const unconfirmed = this.#expectations.unconfirmedCreations(uid);
    const toCreate = names.filter((chosen) => !unseen.includes(chosen) || unconfirmed.includes(chosen));
    let batchSize = 1;
    while (toCreate.length > 0) {
      const batch = toCreate.splice(0, batchSize);
      const results = await Promise.all(batch.map((chosen) => this.#createOne(replicaSet, chosen, signal)));
      const failed = results.find((result) => result !== undefined);
      if (failed) return failed;
      batchSize *= 2;
    }
    return undefined;
  }

  async #createOne(replicaSet: ReplicaSet, name: string, signal: AbortSignal): Promise<ReplicaFailure | undefined> {
    const { namespace = "", uid = "" } = replicaSet.metadata;
    this.#expectations.expectCreation(uid, name);
    try {
      const target = { resource: podsResource, namespace };
      const created = await this.#ports.api.create(target, podOf(replicaSet, name), { signal });
      this.#expectations.creationConfirmed(uid, name, created.metadata.resourceVersion ?? "0");
      this.#events.record(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${name}`);
      return undefined;
    } catch (error) {
      if (isApiError(error, "AlreadyExists") && (await this.#resolve(replicaSet, name, signal))) return undefined;
      // Only a refusal is final; without an answer, or after a server error, the pod may exist.
      if (error instanceof ApiError && error.httpStatus < 500) this.#expectations.creationRefused(uid, name);
      // Nothing can be created in a namespace that is being deleted, and nothing needs to be.
      if (isNamespaceGoing(error)) return undefined;
      const message = error instanceof ApiError ? error.message : describeError(error);
      if (!signal.aborted) this.#events.record(replicaSet, "Warning", "FailedCreate", `Error creating: ${message}`);
      return { reason: "FailedCreate", message };
    }
  }

  /**
   * Finds out whether a creation that got no answer was done.
   * @returns whether the pod of that name is this ReplicaSet's
   */
  async #resolve(replicaSet: ReplicaSet, name: string, signal: AbortSignal): Promise<boolean> {
    const { namespace = "", uid = "" } = replicaSet.metadata;
    try {
      const pod = await this.#ports.api.get<Pod>({ resource: podsResource, namespace, name }, signal);
      if (controllerOf(pod)?.uid === uid) {
        this.#expectations.creationConfirmed(uid, name, pod.metadata.resourceVersion ?? "0");
        return true;
      }
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
    this.#expectations.creationRefused(uid, name);
    return false;
  }

  async #delete(
    replicaSet: ReplicaSet,
    doomed: readonly Pod[],
    signal: AbortSignal,
  ): Promise<ReplicaFailure | undefined> {
    const { namespace = "", uid: owner = "" } = replicaSet.metadata;
    for (const pod of doomed) {
      const { name, uid = "" } = pod.metadata;
      this.#expectations.expectDeletion(owner, uid);
      try {
        await this.#ports.api.delete({ resource: podsResource, namespace, name }, { preconditions: { uid }, signal });
        this.#events.record(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
      } catch (error) {
        if (isApiError(error, "NotFound")) continue;
        this.#expectations.deletionRefused(owner, uid);
        const message = describeError(error);
        if (!signal.aborted) this.#events.record(replicaSet, "Warning", "FailedDelete", `Error deleting: ${message}`);
        return { reason: "FailedDelete", message };
      }
    }
    return undefined;
  }

  async #writeStatus(
    replicaSet: ReplicaSet,
    active: readonly Pod[],
    terminatingCount: number,
    failure: ReplicaFailure | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const epochMs = this.#ports.clock.now();
    const now = { epochMs, text: toKubernetesTime(epochMs) };
    const status = replicaSetStatus(replicaSet, active, terminatingCount, failure, now);
    if (jsonEqual(asJson(status), asJson(replicaSet.status ?? {}))) return;
    const { namespace = "", name } = replicaSet.metadata;
    const target = { resource: replicaSetsResource, namespace, name, subresource: "status" };
    try {
      await this.#ports.api.update(target, { ...replicaSet, status }, { signal });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }
}

/** The pod of a ReplicaSet's template. */
function podOf(replicaSet: ReplicaSet, name: string): Pod {
  const { metadata: template = {}, spec } = replicaSet.spec.template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${replicaSet.metadata.name}-`,
      ...(template.labels ? { labels: template.labels } : {}),
      ...(template.annotations ? { annotations: template.annotations } : {}),
      ...(template.finalizers ? { finalizers: template.finalizers } : {}),
      ownerReferences: [controllerReference(replicaSet)],
    },
    spec: structuredClone(spec),
  };
}
