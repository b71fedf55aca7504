import { type JsonObject, toKubernetesTime } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import {
  type ApiObject,
  asApiObject,
  ensureObject,
  objectAt,
  objectsIn,
  setDefault,
  textAt,
} from "../registry/api-object.ts";
import { invalidValue } from "../registry/field-error.ts";
import type { KindStrategy, WriteScope } from "../registry/resource-definition.ts";
import { acceptedStatus, acceptWaiting, askedStatus, DEFINITIONS_KEY } from "./accepted-names.ts";
import { CelRules } from "./cel-rules.ts";
import { validateDefinition } from "./definition-validation.ts";

/** Keeps a CRD until its last object is gone. */
const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** apiextensions.k8s.io/v1 CustomResourceDefinition: served from the moment it is stored. */
export const customResourceDefinitionStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: true,
  statusBeforeServer: () => ({ acceptedNames: { plural: "", kind: "" }, conditions: null, storedVersions: ["v1"] }),
  applyDefaults(definition) {
    const spec = ensureObject(definition, "spec");
    const names = ensureObject(spec, "names");
    const kind = textAt(names, "kind");
    setDefault(names, "singular", kind.toLowerCase());
    setDefault(names, "listKind", `${kind}List`);
    setDefault(ensureObject(spec, "conversion"), "strategy", "None");
  },
  prepareForCreate(definition, scope) {
    definition["status"] = acceptedStatus(definition, undefined, scope);
    warnOfGaps(definition, scope);
  },
  prepareForUpdate(next, previous, scope) {
    warnOfGaps(next, scope);
    if (objectAt(next, "metadata")["deletionTimestamp"] === undefined)
      next["status"] = acceptedStatus(next, objectAt(previous, "status"), scope);
  },
  prepareForStatus(next, previous, _subresource, scope) {
    next["status"] = acceptedStatus(next, askedStatus(objectAt(next, "status"), objectAt(previous, "status")), scope);
    return undefined;
  },
  validateCreate: validateDefinition,
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    // What was stored before a check was there can still be labelled, and be deleted.
    if (jsonEqual(after, before)) return [];
    const changed = ["group", "scope"].filter((member) => after[member] !== before[member]);
    return [
      ...changed.map((member) => invalidValue(`spec.${member}`, after[member], "field is immutable")),
      ...validateDefinition(next),
    ];
  },
  beginDelete(definition, scope) {
    const left = deleteObjects(definition, scope);
    const { metadata } = definition;
    const others = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
    metadata.finalizers = left === 0 ? others : [...others, CLEANUP_FINALIZER];
  },
  afterRemove: acceptWaiting,
};

/** `group/plural` under which the objects of a CRD are stored. */
export function storageKeyOf(definition: JsonObject): string {
  const spec = objectAt(definition, "spec");
  return `${textAt(spec, "group")}/${textAt(objectAt(spec, "names"), "plural")}`;
}

/** Removes a CRD that was only waiting for its last object. */
export function removeIfEmpty(scope: WriteScope, name: string): void {
  const { session } = scope;
  const key = { resource: DEFINITIONS_KEY, namespace: "", name };
  const definition = session.get(key);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  if (session.list(storageKeyOf(definition as unknown as JsonObject)).length > 0) return;
  const finalizers = (definition.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
  definition.metadata.finalizers = finalizers;
  if (finalizers.length > 0) session.put(key, definition);
  else {
    session.remove(key, definition);
    acceptWaiting(definition, scope);
  }
}

/** Deletes all objects of a CRD; those with finalizers stay marked. Returns how many stay. */
function deleteObjects(definition: ApiObject, scope: WriteScope): number {
  const resource = storageKeyOf(definition as unknown as JsonObject);
  let left = 0;
  for (const object of scope.session.list(resource)) {
    const key = { resource, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    if ((object.metadata.finalizers ?? []).length === 0) {
      scope.session.remove(key, object);
      continue;
    }
    left++;
    if (object.metadata.deletionTimestamp !== undefined) continue;
    object.metadata.deletionTimestamp = toKubernetesTime(scope.clock.now());
    object.metadata.deletionGracePeriodSeconds = 0;
    scope.session.put(key, asApiObject(object as unknown as JsonObject));
  }
  return left;
}

/** Rules that our library does not understand are not enforced, and webhooks not called; the author gets to know it. */
function warnOfGaps(definition: JsonObject, { context }: WriteScope): void {
  const spec = objectAt(definition, "spec");
  const served = objectsIn(spec["versions"]).filter((version) => version["served"] === true);
  if (textAt(objectAt(spec, "conversion"), "strategy") === "Webhook" && served.length > 1)
    context.warnings.push(
      "spec.conversion: conversion webhooks are not called here; objects are served in other versions with only apiVersion changed",
    );
  for (const version of objectsIn(spec["versions"])) {
    const rules = new CelRules(objectAt(objectAt(version, "schema"), "openAPIV3Schema"));
    for (const { path, reason } of rules.problemsIn().filter(({ kind }) => kind === "unknown"))
      context.warnings.push(`version ${textAt(version, "name")}: ${path} is not enforced: ${reason}`);
  }
}
