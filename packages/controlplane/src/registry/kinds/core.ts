import { isJsonObject, type JsonObject, toBase64 } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt, setDefault, textAt } from "../api-object.ts";
import { type FieldError, forbiddenField, invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateEvent, validateNode } from "../validation/cluster-data-validation.ts";
import { validateData } from "../validation/data-validation.ts";
import { secretTypeErrors } from "./secret-types.ts";

/** A kind that is only data: no status of its own, nothing to default. */
export const plainStrategy: KindStrategy = { hasStatus: false, tracksGeneration: false };

/** A kind with a status that controllers write, and nothing else particular. */
export const statusStrategy: KindStrategy = { hasStatus: true, tracksGeneration: false };

/** core/v1 Namespace: stays until its controller has emptied it and gives up the finalizer in spec. */
export const namespaceStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  returnsDeletedObject: true,
  nameRule: "label",
  selectableFields: ["status.phase"],
  applyDefaults(namespace) {
    const metadata = ensureObject(namespace, "metadata");
    const name = textAt(metadata, "name");
    if (name !== "") ensureObject(metadata, "labels")["kubernetes.io/metadata.name"] = name;
  },
  prepareForCreate(namespace) {
    const spec = ensureObject(namespace, "spec");
    const finalizers = Array.isArray(spec["finalizers"]) ? spec["finalizers"] : [];
    if (!finalizers.includes("kubernetes")) spec["finalizers"] = [...finalizers, "kubernetes"];
    namespace["status"] = { phase: "Active" };
  },
  prepareForUpdate(next, previous) {
    // Only the finalize subresource changes them.
    const finalizers = objectAt(previous, "spec")["finalizers"];
    ensureObject(next, "spec")["finalizers"] = finalizers ?? [];
  },
  markDeleted(namespace) {
    ensureObject(namespace, "status")["phase"] = "Terminating";
    delete ensureObject(namespace, "metadata")["deletionGracePeriodSeconds"];
  },
  heldBack(namespace) {
    const finalizers = objectAt(namespace, "spec")["finalizers"];
    return Array.isArray(finalizers) && finalizers.length > 0;
  },
};

/** core/v1 Node. */
export const nodeStrategy: KindStrategy = {
  hasStatus: true,
  keepsStatusOnCreate: true,
  statusMayChangeMetadata: true,
  tracksGeneration: false,
  selectableFields: ["spec.unschedulable"],
  applyDefaults(node) {
    setDefault(node, "spec", {});
  },
  prepareForCreate(node) {
    setDefault(node, "status", {});
  },
  validate: validateNode,
};

/** core/v1 ConfigMap. */
export const configMapStrategy: KindStrategy = {
  ...plainStrategy,
  validate: (object) => [
    ...validateData(object, { data: "utf8", binaryData: "base64" }, ""),
    ...Object.keys(objectAt(object, "binaryData"))
      .filter((key) => Object.hasOwn(objectAt(object, "data"), key))
      .map((key) => invalidValue(`data[${key}]`, key, "duplicate of key present in binaryData")),
  ],
  validateUpdate: (next, previous) => validateImmutable(next, previous, ["data", "binaryData"]),
};

/** core/v1 Secret: `stringData` is written into `data`. */
export const secretStrategy: KindStrategy = {
  ...plainStrategy,
  selectableFields: ["type"],
  applyDefaults(secret) {
    const texts = secret["stringData"];
    if (isJsonObject(texts)) {
      const data = ensureObject(secret, "data");
      for (const [key, text] of Object.entries(texts)) data[key] = toBase64(new TextEncoder().encode(String(text)));
    }
    delete secret["stringData"];
    if (textAt(secret, "type") === "") secret["type"] = "Opaque";
  },
  validate: (object) => [...validateData(object, { data: "base64" }, "data"), ...secretTypeErrors(object)],
  validateUpdate: (next, previous) => [
    ...(next["type"] === previous["type"] ? [] : [invalidValue("type", next["type"], "field is immutable")]),
    ...validateImmutable(next, previous, ["data"]),
  ],
};

/** core/v1 Event: found by what it is about. */
export const eventStrategy: KindStrategy = {
  ...plainStrategy,
  validate: validateEvent,
  selectableFields: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
};

function validateImmutable(next: JsonObject, previous: JsonObject, members: readonly string[]): FieldError[] {
  if (previous["immutable"] !== true) return [];
  const errors: FieldError[] = [];
  if (next["immutable"] !== true)
    errors.push(forbiddenField("immutable", "field is immutable when `immutable` is set"));
  for (const member of members)
    if (!jsonEqual(next[member], previous[member]))
      errors.push(forbiddenField(member, "field is immutable when `immutable` is set"));
  return errors;
}
