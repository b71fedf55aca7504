import { type KubernetesObject, type Pod, pods as podsResource } from "@skerry/api";
import { describeError } from "@skerry/base";
import { ApiError, isApiError, type KubernetesApi } from "@skerry/kube";
import type { ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { isNamespaceGoing } from "../namespace/namespace-state.ts";
import { controllerOf } from "../owner-references.ts";
import { PodExpectations } from "./pod-expectations.ts";

/** Why pods could not be created or deleted. */
export interface PodFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** When to look again for pods that were created but never shown by the cache: they may have come and gone unseen. */
export const UNSEEN_CHECK_MS = 5_000;

/** How pods' creations and deletions are told in events. */
export interface PodWording {
  done(owner: KubernetesObject, verb: "create" | "delete", pod: string): string;
  failed(owner: KubernetesObject, verb: "create" | "delete", pod: string, error: string): string;
}

const PLAIN_WORDING: PodWording = {
  done: (_owner, verb, pod) => `${verb === "create" ? "Created" : "Deleted"} pod: ${pod}`,
  failed: (_owner, verb, _pod, error) => `Error ${verb === "create" ? "creating" : "deleting"}: ${error}`,
};

/** Creates and deletes the pods of owners, tells it in events, and remembers it until the pod cache shows it. */
export class PodControl implements AsyncDisposable {
  readonly expectations: PodExpectations = new PodExpectations();
  readonly events: EventRecorder;
  readonly #api: KubernetesApi;
  readonly #wording: PodWording;

  /** @param component who reports, e.g. `job-controller` */
  constructor(ports: ControllerPorts, component: string, wording: PodWording = PLAIN_WORDING) {
    this.#api = ports.api;
    this.#wording = wording;
    this.events = new EventRecorder(ports, component);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.events[Symbol.asyncDispose]();
  }

  /** To be told of each event of the pod cache. */
  observe(pod: Pod, gone: boolean): void {
    const owner = controllerOf(pod);
    if (owner) this.expectations.observe(owner.uid, pod, gone);
  }

  /**
   * Whether the pod cache, which is as new as `cacheVersion`, shows everything that was created for the owner. Asks the
   * API server about creations that got no answer.
   */
  async isSettled(owner: KubernetesObject, cacheVersion: string, signal: AbortSignal): Promise<boolean> {
    const { uid = "" } = owner.metadata;
    for (const name of this.expectations.unconfirmedCreations(uid)) await this.resolve(owner, name, signal);
    this.expectations.cacheReached(uid, cacheVersion);
    return this.expectations.unseenCreations(uid).length === 0;
  }

  /** Creates pods in growing batches, so that a quota or a broken template costs a few refusals, not hundreds. */
  async createAll(owner: KubernetesObject, pods: readonly Pod[], signal: AbortSignal): Promise<PodFailure | undefined> {
    const waiting = [...pods];
    let batchSize = 1;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize);
      const results = await Promise.all(batch.map((pod) => this.#create(owner, pod, signal)));
      const failed = results.find((result) => result !== undefined);
      if (failed) return failed;
      batchSize *= 2;
    }
    return undefined;
  }

  async #create(owner: KubernetesObject, pod: Pod, signal: AbortSignal): Promise<PodFailure | undefined> {
    const { namespace = "", uid = "" } = owner.metadata;
    const { name } = pod.metadata;
    this.expectations.expectCreation(uid, name);
    try {
      const created = await this.#api.create({ resource: podsResource, namespace }, pod, { signal });
      this.expectations.creationConfirmed(uid, name, created.metadata.resourceVersion ?? "0");
      this.events.record(owner, "Normal", "SuccessfulCreate", this.#wording.done(owner, "create", name));
      return undefined;
    } catch (error) {
      if (isApiError(error, "AlreadyExists") && (await this.resolve(owner, name, signal))) return undefined;
      // Only a refusal is final; without an answer, or after a server error, the pod may exist.
      if (error instanceof ApiError && error.httpStatus < 500) this.expectations.creationRefused(uid, name);
      // Nothing can be created in a namespace that is being deleted, and nothing needs to be.
      if (isNamespaceGoing(error)) return undefined;
      const message = error instanceof ApiError ? error.message : describeError(error);
      const told = this.#wording.failed(owner, "create", name, message);
      if (!signal.aborted) this.events.record(owner, "Warning", "FailedCreate", told);
      return { reason: "FailedCreate", message };
    }
  }

  /**
   * Finds out whether a creation that got no answer was done.
   * @returns whether the pod of that name is this owner's
   */
  async resolve(owner: KubernetesObject, name: string, signal: AbortSignal): Promise<boolean> {
    const { namespace = "", uid = "" } = owner.metadata;
    try {
      const pod = await this.#api.get<Pod>({ resource: podsResource, namespace, name }, signal);
      if (controllerOf(pod)?.uid === uid) {
        this.expectations.creationConfirmed(uid, name, pod.metadata.resourceVersion ?? "0");
        return true;
      }
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
    this.expectations.creationRefused(uid, name);
    return false;
  }

  /** Deletes pods one after the other until one deletion is refused. */
  async deleteAll(
    owner: KubernetesObject,
    doomed: readonly Pod[],
    signal: AbortSignal,
  ): Promise<PodFailure | undefined> {
    const { namespace = "", uid: ownerUid = "" } = owner.metadata;
    for (const pod of doomed) {
      const { name, uid = "" } = pod.metadata;
      this.expectations.expectDeletion(ownerUid, uid);
      try {
        await this.#api.delete({ resource: podsResource, namespace, name }, { preconditions: { uid }, signal });
        this.events.record(owner, "Normal", "SuccessfulDelete", this.#wording.done(owner, "delete", name));
      } catch (error) {
        if (isApiError(error, "NotFound")) continue;
        this.expectations.deletionRefused(ownerUid, uid);
        const message = describeError(error);
        const told = this.#wording.failed(owner, "delete", name, message);
        if (!signal.aborted) this.events.record(owner, "Warning", "FailedDelete", told);
        return { reason: "FailedDelete", message };
      }
    }
    return undefined;
  }
}
