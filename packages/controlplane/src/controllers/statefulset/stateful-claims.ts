import {
  persistentVolumeClaims as claimsResource,
  type KubernetesObject,
  type OwnerReference,
  type Pod,
  type StatefulSet,
} from "@skerry/api";
import { describeError } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { ControllerPorts } from "../controller-ports.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { claimsOf } from "./stateful-pods.ts";

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

  /** Lets the claims of a pod that is scaled away go with it, when the set says so. */
  async release(set: StatefulSet, pod: Pod, signal: AbortSignal): Promise<void> {
    if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== "Delete") return;
    const { namespace = "" } = set.metadata;
    for (const { metadata } of claimsOf(set, pod.metadata.name)) {
      const target = { resource: claimsResource, namespace, name: metadata.name };
      const ownerReferences = [{ ...referenceTo(pod) }];
      try {
        await this.#ports.api.patch(target, { type: "merge", body: { metadata: { ownerReferences } } }, { signal });
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubernetesObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "" };
}
