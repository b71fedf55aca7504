import type { JsonObject } from "@skerry/base";
import { textAt } from "../api-object.ts";
import { type FieldError, invalidValue, notSupported, required } from "../field-error.ts";
import { nameErrors, qualifiedNameRule } from "./name-rules.ts";

/** Fields of a pod that a variable of its containers may take its value from. */
export const ENV_FIELDS: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

/** Fields of a pod that may be written into a file. */
export const FILE_FIELDS: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** Fields that have a name at all, but not everywhere. */
const OTHER_FIELDS = ["spec.restartPolicy", "spec.schedulerName", "status.phase"];
const KNOWN_FIELDS: ReadonlySet<string> = new Set([...ENV_FIELDS, ...FILE_FIELDS, ...OTHER_FIELDS]);

const RESOURCES = ["limits", "requests"].flatMap((kind) =>
  ["cpu", "ephemeral-storage", "memory"].map((name) => `${kind}.${name}`),
);

/** Rules of a reference to a field of the pod. @param fields those that are known where it stands */
export function validateFieldRef(reference: JsonObject, path: string, fields: readonly string[]): FieldError[] {
  const asked = textAt(reference, "fieldPath");
  if (asked === "") return []; // Told by the type table.
  const [, base, key] = /^(.+)\['(.*)'\]$/.exec(asked) ?? [];
  if (base !== undefined && key !== undefined) {
    if (base === "metadata.annotations") return nameErrors(qualifiedNameRule, path, key.toLowerCase());
    if (base === "metadata.labels") return nameErrors(qualifiedNameRule, path, key);
  }
  if (!KNOWN_FIELDS.has(asked))
    return [
      invalidValue(`${path}.fieldPath`, asked, `error converting fieldPath: field label not supported: ${asked}`),
    ];
  return fields.includes(asked) ? [] : [notSupported(`${path}.fieldPath`, asked, fields)];
}

/** Rules of a reference to what a container asks for or may use. */
export function validateResourceFieldRef(reference: JsonObject, path: string, needsContainer = false): FieldError[] {
  if (needsContainer && textAt(reference, "containerName") === "") return [required(`${path}.containerName`)];
  const resource = textAt(reference, "resource");
  const isKnown = RESOURCES.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource);
  return resource === "" || isKnown ? [] : [notSupported(`${path}.resource`, resource, RESOURCES)];
}
