import {
  persistentVolumeClaims as claimsResource,
  type KubernetesObject,
  type OwnerReference,
  type Pod,
  type StatefulSet,
} from "@skerry/api";
import { describeError } from "@skerry/base";
import { asJson, isApiError, jsonEqual } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { ControllerPorts } from "../controller-ports.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { claimsOf, isScaledAway } from "./stateful-pods.ts";

/** Makes the claims of a set's pods, and hands them to the garbage collector where the set wants them to go. */
export class StatefulClaims {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #events: EventRecorder;

  constructor(ports: ControllerPorts, informers: ClusterInformers, events: EventRecorder) {
    this.#ports = ports;
    this.#informers = informers;
    this.#events = events;
  }

  /** Makes the claims of a pod that are not there. A claim that is being deleted holds its pod back. */
  async ensure(set: StatefulSet, podName: string, signal: AbortSignal): Promise<void> {
    const { namespace = "", name: setName } = set.metadata;
    const goesWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete";
    for (const claim of claimsOf(set, podName)) {
      const { name } = claim.metadata;
      const existing = this.#informers.persistentVolumeClaims.cache.get(`${namespace}/${name}`);
      if (existing?.metadata.deletionTimestamp) throw new Error(`pvc ${name} is being deleted`);
      if (existing) continue;
      const metadata = { ...claim.metadata, ...(goesWithSet ? { ownerReferences: [referenceTo(set)] } : {}) };
      const what = `Claim ${name} Pod ${podName} in StatefulSet ${setName}`;
      try {
        const target = { resource: claimsResource, namespace };
        await this.#ports.api.create(target, { ...claim, metadata }, { signal });
        this.#events.record(set, "Normal", "SuccessfulCreate", `create ${what} success`);
      } catch (error) {
        if (isApiError(error, "AlreadyExists")) continue;
        const message = `create ${what} failed error: ${describeError(error)}`;
        this.#events.record(set, "Warning", "FailedCreate", message);
        throw error;
      }
    }
  }

  /** Has the claims of a living pod go with the set, or with the pod, or stay, as the set says now. */
  async reconcileOwners(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "" } = set.metadata;
    for (const { metadata } of claimsOf(set, pod.metadata.name)) {
      const claim = this.#informers.persistentVolumeClaims.cache.get(`${namespace}/${metadata.name}`);
      if (!claim || claim.metadata.deletionTimestamp) continue;
      const { name, uid = "", resourceVersion = "", ownerReferences: existing = [] } = claim.metadata;
      const wanted = wantedOwners(set, pod, existing);
      if (jsonEqual(asJson(wanted), asJson(existing))) continue;
      const body = { metadata: { uid, resourceVersion, ownerReferences: asJson(wanted) } };
      const target = { resource: claimsResource, namespace, name };
      try {
        await this.#ports.api.patch(target, { type: "merge", body }, { signal });
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
  }
}

/**
 * The owners that a pod's claim is to have; those that are neither its set nor its pod stay. A claim that goes with its
 * pod is not the set's too, since the garbage collector waits for the last owner.
 */
function wantedOwners(set: StatefulSet, pod: Pod, existing: readonly OwnerReference[]): OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const goesWithPod = whenScaled === "Delete" && isScaledAway(set, pod);
  const owner = goesWithPod ? pod : whenDeleted === "Delete" ? set : undefined;
  const ours = (reference: OwnerReference): boolean =>
    reference.uid === set.metadata.uid || (reference.kind === "Pod" && reference.name === pod.metadata.name);
  const kept = existing.filter((reference) => !ours(reference) || reference.uid === owner?.metadata.uid);
  const isThere = kept.some(({ uid }) => uid === owner?.metadata.uid);
  return owner && !isThere ? [...kept, referenceTo(owner)] : kept;
}

function referenceTo({ apiVersion, kind, metadata }: KubernetesObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "" };
}
