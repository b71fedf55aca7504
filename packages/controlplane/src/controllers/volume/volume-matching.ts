import type { Node, PersistentVolume, PersistentVolumeClaim, Quantity, StorageClass } from "@skerry/api";
import { labelSelectorPredicate, quantityToNano } from "@skerry/kube";
import { matchesNodeTerms } from "../../scheduler/node-affinity.ts";

/** Whether the claim is bound only when a pod that uses it has got a node. */
export function isWaitingForConsumer(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): boolean {
  return !claim.spec.volumeName && storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

/** Whether the volume can be had on the node. */
export function volumeFitsNode(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec.nodeAffinity?.required;
  return required === undefined || matchesNodeTerms(required, node);
}

/** Whether the volume was set aside for this claim. */
export function isReservedFor(volume: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = volume.spec;
  const isNamed = claimRef?.namespace === metadata.namespace && claimRef?.name === metadata.name;
  return isNamed && (!claimRef?.uid || claimRef.uid === metadata.uid);
}

/** The volumes that the claim can have: first one that was set aside for it, then the smallest. */
export function fittingVolumes(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): readonly PersistentVolume[] {
  const fitting = volumes.filter((volume) => fits(claim, volume));
  const rank = (volume: PersistentVolume): bigint => (isReservedFor(volume, claim) ? -1n : sizeOf(volume));
  return fitting.sort((left, right) => {
    const [first, second] = [rank(left), rank(right)];
    if (first !== second) return first < second ? -1 : 1;
    return left.metadata.name < right.metadata.name ? -1 : 1;
  });
}

function fits(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const { spec, metadata } = volume;
  if (metadata.deletionTimestamp) return false;
  const isReserved = isReservedFor(volume, claim);
  if (spec.claimRef && !isReserved) return false;
  if (!isReserved && volume.status?.phase !== "Available") return false;
  const asked = claim.spec;
  return (
    (spec.storageClassName ?? "") === (asked.storageClassName ?? "") &&
    (spec.volumeMode ?? "Filesystem") === (asked.volumeMode ?? "Filesystem") &&
    (asked.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode)) &&
    (asked.selector === undefined || labelSelectorPredicate(asked.selector)(metadata.labels)) &&
    sizeOf(volume) >= amountOf(asked.resources?.requests?.["storage"])
  );
}

function sizeOf({ spec }: PersistentVolume): bigint {
  return amountOf(spec.capacity?.["storage"]);
}

function amountOf(quantity: Quantity | undefined): bigint {
  return quantity === undefined ? 0n : quantityToNano(quantity);
}
