import {
  persistentVolumeClaims as claimsResource,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  persistentVolumes as volumesResource,
} from "@skerry/api";
import { isApiError } from "@skerry/kube";
import type { ClusterInformers } from "../controllers/cluster-informers.ts";
import type { ControllerPorts } from "../controllers/controller-ports.ts";
import { BOUND_BY_CONTROLLER, SELECTED_NODE } from "../controllers/volume/volume-names.ts";
import type { ClaimDecision, VolumeSource } from "./volume-binding.ts";

/** What the scheduler knows of volumes, and how it has them bound or made where a pod goes. */
export class VolumeBinder implements VolumeSource {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.#informers.persistentVolumeClaims.cache.get(`${namespace}/${name}`);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#informers.persistentVolumes.cache.get(name);
  }

  volumes(): readonly PersistentVolume[] {
    return this.#informers.persistentVolumes.cache.list();
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#informers.storageClasses.cache.get(name);
  }

  /** Calls `listener` when claims, volumes or storage classes change. */
  onChange(listener: () => void): Disposable {
    const stack = new DisposableStack();
    const { persistentVolumeClaims, persistentVolumes, storageClasses } = this.#informers;
    stack.use(persistentVolumeClaims.listen(listener));
    stack.use(persistentVolumes.listen(listener));
    stack.use(storageClasses.listen(listener));
    return stack;
  }

  /** Sets volumes aside for claims, or tells provisioners on which node to make one; the volume controller does the rest. */
  async prepare(decisions: readonly ClaimDecision[], node: Node, signal: AbortSignal): Promise<void> {
    for (const decision of decisions) {
      try {
        if (decision.kind === "bind") await this.#reserve(decision.volume, decision.claim, signal);
        else await this.#select(decision.claim, node, signal);
      } catch (error) {
        // Changed or gone meanwhile: the cache will show it, and the pod is looked at again.
        if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
      }
    }
  }

  async #reserve(volume: PersistentVolume, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = claim.metadata;
    const { resourceVersion = "" } = volume.metadata;
    const claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
    const body = { metadata: { resourceVersion, annotations: { [BOUND_BY_CONTROLLER]: "yes" } }, spec: { claimRef } };
    const target = { resource: volumesResource, name: volume.metadata.name };
    await this.#ports.api.patch(target, { type: "merge", body }, { signal });
  }

  async #select(claim: PersistentVolumeClaim, node: Node, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "", annotations } = claim.metadata;
    if (annotations?.[SELECTED_NODE] === node.metadata.name) return;
    const body = { metadata: { uid, annotations: { [SELECTED_NODE]: node.metadata.name } } };
    await this.#ports.api.patch({ resource: claimsResource, namespace, name }, { type: "merge", body }, { signal });
  }
}
