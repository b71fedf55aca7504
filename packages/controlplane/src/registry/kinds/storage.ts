import type { JsonObject, JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt, setDefault } from "../api-object.ts";
import { forbiddenField } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import {
  validatePersistentVolume,
  validatePersistentVolumeClaim,
  volumeSource,
} from "../validation/persistent-volume-validation.ts";
import { storageBytes } from "./claim-size.ts";

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
  validate: (volume) => validatePersistentVolume(objectAt(volume, "spec"), "spec"),
  validateUpdate(next, previous) {
    const source = (volume: JsonObject): JsonObject => volumeSource(objectAt(volume, "spec"));
    return jsonEqual(source(next), source(previous))
      ? []
      : [forbiddenField("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")];
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
  validate: (claim) => validatePersistentVolumeClaim(objectAt(claim, "spec"), "spec"),
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    const status = objectAt(previous, "status");
    const isBound = status["phase"] === "Bound";
    const isFixed = (member: string): boolean =>
      (before[member] !== undefined || !LATER.has(member)) && member !== ATTRIBUTES_CLASS;
    const fixed = (spec: JsonObject, member: string): JsonValue =>
      (member === "resources" && isBound ? withoutSize(objectAt(spec, member)) : spec[member]) ?? null;
    const members = new Set([...Object.keys(after), ...Object.keys(before)]);
    if ([...members].some((member) => isFixed(member) && !jsonEqual(fixed(after, member), fixed(before, member))))
      return [
        forbiddenField(
          "spec",
          "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ),
      ];
    const size = storageBytes(objectAt(objectAt(after, "resources"), "requests"));
    const isSmaller = size < storageBytes(objectAt(objectAt(before, "resources"), "requests"));
    return isSmaller && size <= storageBytes(objectAt(status, "capacity"))
      ? [forbiddenField("spec.resources.requests.storage", "field can not be less than status.capacity")]
      : [];
  },
};

/** What a bound claim's resources must stay but for the size that is asked for. */
function withoutSize(resources: JsonObject): JsonObject {
  const { storage: _size, ...requests } = objectAt(resources, "requests");
  return { ...resources, requests };
}
