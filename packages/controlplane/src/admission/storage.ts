import { CLAIM_PROTECTION, VOLUME_PROTECTION } from "../controllers/volume/volume-names.ts";
import { type ApiObject, asJsonObject, ensureObject, objectAt, textAt } from "../registry/api-object.ts";
import { storageBytes } from "../registry/kinds/claim-size.ts";
import { isDefaultClass } from "../registry/kinds/storage-class.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden } from "../registry/status-errors.ts";

const STORAGE_CLASSES = "storage.k8s.io/storageclasses";

/** Gives a new claim the default storage class, and claims and volumes the finalizers that keep them while in use. */
export function admitStorage({ storageKey }: ResourceDefinition, object: ApiObject, { session }: WriteScope): void {
  if (storageKey === "/persistentvolumes") addFinalizer(object, VOLUME_PROTECTION);
  if (storageKey !== "/persistentvolumeclaims") return;
  addFinalizer(object, CLAIM_PROTECTION);
  const spec = ensureObject(asJsonObject(object), "spec");
  if (spec["storageClassName"] !== undefined) return;
  const [newest] = session
    .list(STORAGE_CLASSES)
    .filter((storageClass) => isDefaultClass(asJsonObject(storageClass)))
    .sort((left, right) =>
      (left.metadata.creationTimestamp ?? "") > (right.metadata.creationTimestamp ?? "") ? -1 : 1,
    );
  if (newest) spec["storageClassName"] = newest.metadata.name;
}

/** A bound claim asks for more only of a class that lets volumes grow. @throws ApiError Forbidden */
export function admitResize(
  { storageKey, reference }: ResourceDefinition,
  next: ApiObject,
  previous: ApiObject,
  { session }: WriteScope,
): void {
  if (storageKey !== "/persistentvolumeclaims") return;
  const asked = (claim: ApiObject): number =>
    storageBytes(objectAt(objectAt(objectAt(asJsonObject(claim), "spec"), "resources"), "requests"));
  const isBound = objectAt(asJsonObject(previous), "status")["phase"] === "Bound";
  if (!isBound || asked(next) <= asked(previous)) return;
  const className = textAt(objectAt(asJsonObject(next), "spec"), "storageClassName");
  const storageClass = session.get({ resource: STORAGE_CLASSES, namespace: "", name: className });
  if (storageClass?.["allowVolumeExpansion"] === true) return;
  throw forbidden(
    reference,
    next.metadata.name,
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
  );
}

function addFinalizer({ metadata }: ApiObject, finalizer: string): void {
  if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
}
