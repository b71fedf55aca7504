import type { JsonObject } from "@skerry/base";
import type { ObjectReference } from "./core.ts";
import type { Condition, KubernetesObject, LabelSelector, Quantity } from "./meta.ts";

/** core/v1 PersistentVolume; what it is made of is carried along. */
export interface PersistentVolume extends KubernetesObject {
  spec: {
    capacity?: Record<string, Quantity>;
    accessModes?: string[];
    claimRef?: ObjectReference;
    persistentVolumeReclaimPolicy?: "Retain" | "Delete" | "Recycle";
    storageClassName?: string;
    volumeMode?: "Filesystem" | "Block";
    nodeAffinity?: { required?: JsonObject };
    hostPath?: JsonObject;
    local?: JsonObject;
  };
  status?: {
    phase?: "Pending" | "Available" | "Bound" | "Released" | "Failed";
    message?: string;
    reason?: string;
    lastPhaseTransitionTime?: string;
  };
}

/** core/v1 PersistentVolumeClaim. */
export interface PersistentVolumeClaim extends KubernetesObject {
  spec: {
    accessModes?: string[];
    selector?: LabelSelector;
    resources?: { requests?: Record<string, Quantity>; limits?: Record<string, Quantity> };
    volumeName?: string;
    /** Empty: none; left out: the default one. */
    storageClassName?: string;
    volumeMode?: "Filesystem" | "Block";
  };
  status?: {
    phase?: "Pending" | "Bound" | "Lost";
    accessModes?: string[];
    capacity?: Record<string, Quantity>;
    conditions?: Condition[];
  };
}

/** storage.k8s.io/v1 StorageClass. */
export interface StorageClass extends KubernetesObject {
  provisioner: string;
  reclaimPolicy?: "Retain" | "Delete";
  volumeBindingMode?: "Immediate" | "WaitForFirstConsumer";
  allowedTopologies?: JsonObject[];
}

/** The provisioner of StorageClasses whose volumes are folders of the node on which the pod runs. */
export const LOCAL_PATH_PROVISIONER = "skerry.io/local-path";
/** Where those folders are, on each node. */
export const LOCAL_VOLUMES_FOLDER = "/var/lib/skerry/local-volumes";
/** On a volume: who made it. */
export const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
