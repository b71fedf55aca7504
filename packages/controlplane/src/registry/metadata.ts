import { isJsonObject, type JsonObject, type Random, randomNameSuffix } from "@skerry/base";
import { badRequest } from "@skerry/kube";
import { type ApiObject, asJsonObject, objectAt, objectsIn, textAt, textsIn } from "./api-object.ts";
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from "./field-error.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { conflict, modified } from "./status-errors.ts";
import {
  labelErrors,
  labelRule,
  nameErrors,
  pathSegmentRule,
  qualifiedNameRule,
  subdomainRule,
} from "./validation/name-rules.ts";

const NAME_RULES = { subdomain: subdomainRule, label: labelRule, path: pathSegmentRule };
const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;
/** `generateName` is cut so that the suffix still fits into a label. */
const GENERATED_PREFIX_LIMIT = 58;

/** What the body may say about metadata; everything else the server decides. */
export function checkBodyMetadata(definition: ResourceDefinition, body: JsonObject, namespace: string): ApiObject {
  const metadata = body["metadata"];
  if (metadata !== undefined && metadata !== null && !isJsonObject(metadata))
    throw badRequest(`${definition.reference.kind} cannot be handled: metadata is not an object`);
  const kept: JsonObject = metadata ?? {};
  body["metadata"] = kept;
  if (definition.reference.namespaced) {
    const own = textAt(kept, "namespace");
    if (own !== "" && own !== namespace)
      throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
    kept["namespace"] = namespace;
  } else {
    if (textAt(kept, "namespace") !== "") throw badRequest("namespace is not allowed on this type");
    delete kept["namespace"];
  }
  return body as unknown as ApiObject;
}

/** A name that nobody has for an object that asks for a generated one. */
export function generatedName(generateName: string, random: Random): string {
  return `${generateName.slice(0, GENERATED_PREFIX_LIMIT)}${randomNameSuffix(random)}`;
}

/** What the server sets when an object is made. */
export function initialMetadata(object: ApiObject, uid: string, now: string, tracksGeneration: boolean): void {
  const metadata = asJsonObject(object)["metadata"] as JsonObject;
  metadata["uid"] = uid;
  metadata["creationTimestamp"] = now;
  for (const member of ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"])
    delete metadata[member];
  if (tracksGeneration) metadata["generation"] = 1;
}

/** Puts back the members that only the server changes, and checks the preconditions an update carries. */
export function carryMetadata(definition: ResourceDefinition, next: ApiObject, previous: ApiObject): void {
  const { reference } = definition;
  const name = previous.metadata.name;
  const wanted = next.metadata.resourceVersion;
  if (wanted !== undefined && wanted !== "" && wanted !== previous.metadata.resourceVersion)
    throw modified(reference, name);
  if (next.metadata.uid !== undefined && next.metadata.uid !== "" && next.metadata.uid !== previous.metadata.uid)
    throw conflict(
      reference,
      name,
      `Precondition failed: UID in precondition: ${next.metadata.uid}, UID in object meta: ${previous.metadata.uid}`,
    );
  const to = asJsonObject(next)["metadata"] as JsonObject;
  const from = asJsonObject(previous)["metadata"] as JsonObject;
  for (const member of [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
  ]) {
    if (from[member] === undefined) delete to[member];
    else to[member] = from[member];
  }
  delete to["selfLink"];
}

/** Rules on names, labels, annotations, owners and finalizers that hold for every kind. */
export function validateMetadata(definition: ResourceDefinition, object: ApiObject): FieldError[] {
  const metadata = objectAt(asJsonObject(object), "metadata");
  const errors = validateName(definition, textAt(metadata, "name"));
  errors.push(...labelErrors(objectAt(metadata, "labels"), "metadata.labels"));
  let sizeBytes = 0;
  for (const [key, value] of Object.entries(objectAt(metadata, "annotations"))) {
    for (const problem of qualifiedNameRule(key.toLowerCase()))
      errors.push(invalidValue("metadata.annotations", key, problem));
    sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (sizeBytes > ANNOTATIONS_LIMIT_BYTES) errors.push(tooLong("metadata.annotations", ANNOTATIONS_LIMIT_BYTES));
  for (const [index, owner] of objectsIn(metadata["ownerReferences"]).entries()) {
    for (const member of ["apiVersion", "kind", "name", "uid"])
      if (textAt(owner, member) === "")
        errors.push(invalidValue(`metadata.ownerReferences[${index}].${member}`, "", "must not be empty"));
  }
  if (objectsIn(metadata["ownerReferences"]).filter((owner) => owner["controller"] === true).length > 1)
    errors.push(
      invalidValue(
        "metadata.ownerReferences",
        metadata["ownerReferences"],
        "Only one reference can have Controller set to true",
      ),
    );
  return errors;
}

/** New finalizers have names as labels have; once the deletion has begun, there are no new ones. */
export function validateFinalizers(next: ApiObject, previous?: ApiObject): FieldError[] {
  const before = new Set(previous?.metadata.finalizers ?? []);
  const added = textsIn(objectAt(asJsonObject(next), "metadata")["finalizers"]).filter(
    (finalizer) => !before.has(finalizer),
  );
  const errors = added.flatMap((finalizer) => nameErrors(qualifiedNameRule, "metadata.finalizers", finalizer));
  if (added.length === 0 || previous?.metadata.deletionTimestamp === undefined) return errors;
  return [
    ...errors,
    forbiddenField(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((text) => JSON.stringify(text)).join(", ")}}`,
    ),
  ];
}

function validateName(definition: ResourceDefinition, name: string): FieldError[] {
  if (name === "") return [required("metadata.name", "name or generateName is required")];
  return nameErrors(NAME_RULES[definition.strategy.nameRule ?? "subdomain"], "metadata.name", name);
}
