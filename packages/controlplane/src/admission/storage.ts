import { CLAIM_PROTECTION, VOLUME_PROTECTION } from "../controllers/volume/volume-names.ts";
import { type ApiObject, asJsonObject, ensureObject } from "../registry/api-object.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";

const STORAGE_CLASSES = "storage.k8s.io/storageclasses";
const IS_DEFAULT = "storageclass.kubernetes.io/is-default-class";

/** Gives a new claim the default storage class, and claims and volumes the finalizers that keep them while in use. */
export function admitStorage({ storageKey }: ResourceDefinition, object: ApiObject, { session }: WriteScope): void {
  if (storageKey === "/persistentvolumes") addFinalizer(object, VOLUME_PROTECTION);
  if (storageKey !== "/persistentvolumeclaims") return;
  addFinalizer(object, CLAIM_PROTECTION);
  const spec = ensureObject(asJsonObject(object), "spec");
  if (spec["storageClassName"] !== undefined) return;
  const [newest] = session
    .list(STORAGE_CLASSES)
    .filter(({ metadata }) => metadata.annotations?.[IS_DEFAULT] === "true")
    .sort((left, right) =>
      (left.metadata.creationTimestamp ?? "") > (right.metadata.creationTimestamp ?? "") ? -1 : 1,
    );
  if (newest) spec["storageClassName"] = newest.metadata.name;
}

function addFinalizer({ metadata }: ApiObject, finalizer: string): void {
  if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
}
