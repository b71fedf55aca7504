import {
  LOCAL_PATH_PROVISIONER,
  LOCAL_VOLUMES_FOLDER,
  type PersistentVolume,
  type PersistentVolumeClaim,
  PROVISIONED_BY,
  persistentVolumes as volumesResource,
} from "@skerry/api";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { SELECTED_NODE } from "./volume-names.ts";

/**
 * Makes the volume of a claim on the node that the scheduler has chosen for its pod: a folder of that node, which Edged
 * makes when the pod starts. A folder is kept when its claim is gone, as nobody may reach into a node to remove it, so
 * its volumes have the reclaim policy Retain, whatever the class says.
 */
export class LocalPathProvisioner implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #events: EventRecorder;
  readonly #claims: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#events = new EventRecorder(ports, LOCAL_PATH_PROVISIONER);
    const logger = ports.logger.child("local-path-provisioner");
    this.#claims = new WorkQueue({ ...ports, logger, work: (key, signal) => this.#sync(key, signal) });
  }

  start(): void {
    const { persistentVolumeClaims, storageClasses } = this.#informers;
    this.#listening.use(persistentVolumeClaims.listen(({ object }) => this.#claims.add(objectKey(object))));
    this.#listening.use(
      storageClasses.listen(() => {
        for (const claim of persistentVolumeClaims.cache.list())
          if (!claim.spec.volumeName) this.#claims.add(objectKey(claim));
      }),
    );
    this.#claims.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#claims[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.#informers.persistentVolumeClaims.cache.get(key);
    if (!claim || claim.spec.volumeName || claim.metadata.deletionTimestamp) return;
    const storageClass = this.#informers.storageClasses.cache.get(claim.spec.storageClassName ?? "");
    if (storageClass?.provisioner !== LOCAL_PATH_PROVISIONER) return;
    const node = claim.metadata.annotations?.[SELECTED_NODE];
    if (node === undefined) {
      if (storageClass.volumeBindingMode !== "WaitForFirstConsumer")
        this.#fail(
          claim,
          `StorageClass ${storageClass.metadata.name} must have volumeBindingMode WaitForFirstConsumer`,
        );
      return;
    }
    if (claim.spec.volumeMode === "Block")
      return this.#fail(claim, "only volumes of volumeMode Filesystem can be made");
    try {
      const volume = localVolume(claim, node);
      await this.#ports.api.create({ resource: volumesResource }, volume, { signal });
      const message = `Successfully provisioned volume ${volume.metadata.name} on node ${node}`;
      this.#events.record(claim, "Normal", "ProvisioningSucceeded", message);
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
  }

  #fail(claim: PersistentVolumeClaim, why: string): void {
    this.#events.record(claim, "Warning", "ProvisioningFailed", why);
  }
}

function localVolume({ metadata, spec }: PersistentVolumeClaim, node: string): PersistentVolume {
  const { namespace = "", name, uid = "" } = metadata;
  const volumeName = `pvc-${uid}`;
  const hostname = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
  const storage = spec.resources?.requests?.["storage"];
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: volumeName, annotations: { [PROVISIONED_BY]: LOCAL_PATH_PROVISIONER } },
    spec: {
      ...(storage === undefined ? {} : { capacity: { storage } }),
      accessModes: spec.accessModes ?? ["ReadWriteOnce"],
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid },
      persistentVolumeReclaimPolicy: "Retain",
      ...(spec.storageClassName ? { storageClassName: spec.storageClassName } : {}),
      volumeMode: "Filesystem",
      hostPath: { path: `${LOCAL_VOLUMES_FOLDER}/${volumeName}`, type: "DirectoryOrCreate" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
    },
  };
}
