import { jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt, setDefault } from "../api-object.ts";
import { forbiddenField } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";

/** What a claim may get once. */
const LATER: ReadonlySet<string> = new Set(["volumeName", "storageClassName"]);
const ATTRIBUTES_CLASS = "volumeAttributesClassName";

/** core/v1 PersistentVolume. */
export const persistentVolumeStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  applyDefaults(volume) {
    const spec = ensureObject(volume, "spec");
    setDefault(spec, "persistentVolumeReclaimPolicy", "Retain");
    setDefault(spec, "volumeMode", "Filesystem");
  },
  prepareForCreate(volume) {
    volume["status"] = { phase: "Pending" };
  },
};

/** core/v1 PersistentVolumeClaim: what it asks for stays; only its volume, a class when it has none, and its size may come later. */
export const persistentVolumeClaimStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  applyDefaults(claim) {
    setDefault(ensureObject(claim, "spec"), "volumeMode", "Filesystem");
  },
  prepareForCreate(claim) {
    claim["status"] = { phase: "Pending" };
  },
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    const isFixed = (member: string): boolean =>
      member !== "resources" && (before[member] !== undefined || !LATER.has(member)) && member !== ATTRIBUTES_CLASS;
    const members = new Set([...Object.keys(after), ...Object.keys(before)]);
    return [...members].some((member) => isFixed(member) && !jsonEqual(after[member], before[member]))
      ? [
          forbiddenField(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
          ),
        ]
      : [];
  },
};
