import { ensureObject, setDefault } from "../api-object.ts";
import type { KindStrategy } from "../resource-definition.ts";

/** core/v1 PersistentVolume: kept as data. */
export const persistentVolumeStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  applyDefaults(volume) {
    const spec = ensureObject(volume, "spec");
    setDefault(spec, "persistentVolumeReclaimPolicy", "Retain");
    setDefault(spec, "volumeMode", "Filesystem");
  },
  prepareForCreate(volume) {
    volume["status"] = { phase: "Available" };
  },
};

/** core/v1 PersistentVolumeClaim: kept as data. */
export const persistentVolumeClaimStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  applyDefaults(claim) {
    setDefault(ensureObject(claim, "spec"), "volumeMode", "Filesystem");
  },
  prepareForCreate(claim) {
    claim["status"] = { phase: "Pending" };
  },
};
