import {
  persistentVolumeClaims as claimsResource,
  type KubernetesObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type ResourceReference,
  persistentVolumes as volumesResource,
} from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { asJson, isApiError, jsonEqual, type KubernetesApi } from "@skerry/kube";
import { BIND_COMPLETED, BOUND_BY_CONTROLLER } from "./volume-names.ts";

/** The writes by which claims and volumes find each other; each does nothing when it is done already. */
export class VolumeWriter {
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  /** Binds both to each other, the volume first: a claim never points to a volume that another may still get. */
  async bind(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = claim.metadata;
    const { claimRef } = volume.spec;
    if (claimRef?.uid !== uid) {
      const { resourceVersion = "" } = volume.metadata;
      const annotations = claimRef === undefined ? { [BOUND_BY_CONTROLLER]: "yes" } : {};
      const reference = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
      const body = { metadata: { resourceVersion, annotations }, spec: { claimRef: reference } };
      await this.#api.patch(
        { resource: volumesResource, name: volume.metadata.name },
        { type: "merge", body },
        { signal },
      );
    }
    const isChosenHere = !claim.spec.volumeName;
    const annotations = { [BIND_COMPLETED]: "yes", ...(isChosenHere ? { [BOUND_BY_CONTROLLER]: "yes" } : {}) };
    if (isChosenHere || claim.metadata.annotations?.[BIND_COMPLETED] === undefined) {
      const body = { metadata: { uid, annotations }, spec: { volumeName: volume.metadata.name } };
      await this.#api.patch({ resource: claimsResource, namespace, name }, { type: "merge", body }, { signal });
    }
    const { accessModes = [], capacity = {} } = volume.spec;
    await this.setClaimStatus(
      claim,
      { phase: "Bound", accessModes: [...accessModes], capacity: { ...capacity } },
      signal,
    );
  }

  async setClaimStatus(claim: PersistentVolumeClaim, status: JsonObject, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = claim.metadata;
    if (isIn(status, claim.status)) return;
    const target = { resource: claimsResource, namespace, name, subresource: "status" };
    await this.#api.patch(target, { type: "merge", body: { metadata: { uid }, status } }, { signal });
  }

  /** @param now in Kubernetes' text form */
  async setVolumePhase(volume: PersistentVolume, status: JsonObject, now: string, signal: AbortSignal): Promise<void> {
    if (isIn(status, volume.status)) return;
    const { name, uid = "" } = volume.metadata;
    const body = { metadata: { uid }, status: { ...status, lastPhaseTransitionTime: now } };
    const target = { resource: volumesResource, name, subresource: "status" };
    await this.#api.patch(target, { type: "merge", body }, { signal });
  }

  async annotateClaim(
    claim: PersistentVolumeClaim,
    annotations: Record<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = "", name, uid = "" } = claim.metadata;
    const body = { metadata: { uid, annotations } };
    await this.#api.patch({ resource: claimsResource, namespace, name }, { type: "merge", body }, { signal });
  }

  /** Takes a finalizer away. */
  async release(
    resource: ResourceReference,
    { metadata }: KubernetesObject,
    finalizer: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (!metadata.finalizers?.includes(finalizer)) return;
    const { namespace = "", name, uid = "" } = metadata;
    const body = { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [finalizer] } };
    try {
      await this.#api.patch({ resource, namespace, name }, { type: "strategic", body }, { signal });
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }
}

/** Whether the status says all this already. */
function isIn(wanted: JsonObject, status: object | undefined): boolean {
  const current = asJson((status ?? {}) as KubernetesObject);
  return Object.entries(wanted).every(([member, value]) => jsonEqual(value, current[member]));
}
