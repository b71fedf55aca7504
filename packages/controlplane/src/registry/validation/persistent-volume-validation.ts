import { isJsonObject, type JsonObject } from "@skerry/base";
import { objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../field-error.ts";
import { validateLabelSelector } from "./label-selector-validation.ts";
import { nameErrors, subdomainRule } from "./name-rules.ts";
import { resourceAmounts } from "./resource-validation.ts";
import { validateNodeSelector } from "./scheduling-validation.ts";
import { backstepErrors } from "./volume-validation.ts";

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/** What a PersistentVolume's spec has besides its source. */
const NO_SOURCE: ReadonlySet<string> = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

/** Rules of a claim's spec; required members and fixed choices are checked by the type table. */
export function validatePersistentVolumeClaim(spec: JsonObject, path: string): FieldError[] {
  const requests = resourceAmounts(objectAt(objectAt(spec, "resources"), "requests"));
  const size = requests.find(({ name }) => name === "storage");
  const at = `${path}.resources[storage]`;
  return [
    ...accessModeErrors(spec, path, "at least 1 access mode is required"),
    ...validateLabelSelector(objectAt(spec, "selector"), `${path}.selector`),
    ...(size ? [] : [required(at)]),
    ...(size && size.nano <= 0n ? [invalidValue(at, size.text, "must be greater than zero")] : []),
    ...classErrors(spec, path),
  ];
}

/** Rules of a PersistentVolume's spec. */
export function validatePersistentVolume(spec: JsonObject, path: string): FieldError[] {
  const capacity = objectAt(spec, "capacity");
  const at = `${path}.capacity`;
  const names = Object.keys(capacity);
  const [first, ...more] = Object.keys(volumeSource(spec));
  const affinity = objectAt(objectAt(spec, "nodeAffinity"), "required");
  return [
    ...accessModeErrors(spec, path, ""),
    ...(names.length === 0 ? [required(at)] : []),
    ...(capacity["storage"] === undefined || names.length > 1 ? [notSupported(at, capacity, ["storage"])] : []),
    ...resourceAmounts(capacity)
      .filter(({ nano }) => nano <= 0n)
      .map(({ name, text }) => invalidValue(`${at}[${name}]`, text, "must be greater than zero")),
    ...(Object.keys(affinity).length > 0 ? validateNodeSelector(affinity, `${path}.nodeAffinity.required`) : []),
    ...(first === undefined ? [required(path, "must specify a volume type")] : []),
    ...more.map((second) => forbiddenField(`${path}.${second}`, "may not specify more than 1 volume type")),
    ...backstepErrors(textAt(objectAt(spec, "hostPath"), "path"), `${path}.hostPath.path`),
    ...(isJsonObject(spec["local"]) && objectsIn(affinity["nodeSelectorTerms"]).length === 0
      ? [required(`${path}.nodeAffinity`, "Local volume requires node affinity")]
      : []),
    ...classErrors(spec, path),
  ];
}

/** Of a PersistentVolume's spec, what it is made of. */
export function volumeSource(spec: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(spec).filter(([member, value]) => !NO_SOURCE.has(member) && isJsonObject(value)),
  );
}

function accessModeErrors(spec: JsonObject, path: string, missing: string): FieldError[] {
  const at = `${path}.accessModes`;
  const modes = Array.isArray(spec["accessModes"]) ? spec["accessModes"].map(String) : [];
  if (modes.length === 0) return [required(at, missing)];
  const known = modes.filter((mode) => ACCESS_MODES.includes(mode));
  const isMixed = known.includes("ReadWriteOncePod") && known.some((mode) => mode !== "ReadWriteOncePod");
  return [
    ...modes.filter((mode) => !known.includes(mode)).map((mode) => notSupported(at, mode, ACCESS_MODES)),
    ...(isMixed ? [forbiddenField(at, "may not use ReadWriteOncePod with other access modes")] : []),
  ];
}

function classErrors(spec: JsonObject, path: string): FieldError[] {
  const name = textAt(spec, "storageClassName");
  return name === "" ? [] : nameErrors(subdomainRule, `${path}.storageClassName`, name);
}
