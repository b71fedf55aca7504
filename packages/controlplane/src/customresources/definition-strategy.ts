import { isJsonObject, type JsonObject, toKubernetesTime } from "@skerry/base";
import {
  type ApiObject,
  asApiObject,
  ensureObject,
  objectAt,
  objectsIn,
  setDefault,
  textAt,
} from "../registry/api-object.ts";
import { type FieldError, invalidValue, required } from "../registry/field-error.ts";
import type { KindStrategy, WriteScope } from "../registry/resource-definition.ts";
import type { StoreSession } from "../registry/store-session.ts";
import { CelRules } from "./cel-rules.ts";

/** Keeps a CRD until its last object is gone. */
const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

/** Where CRDs are stored. */
export const DEFINITIONS_KEY = "apiextensions.k8s.io/customresourcedefinitions";

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
    warnOfRules(definition, scope);
  },
  prepareForUpdate(next, previous, scope) {
    warnOfRules(next, scope);
    if (objectAt(next, "metadata")["deletionTimestamp"] === undefined)
      next["status"] = acceptedStatus(next, objectAt(previous, "status"), scope);
  },
  validate: validateDefinition,
  validateUpdate(next, previous) {
    const [after, before] = [objectAt(next, "spec"), objectAt(previous, "spec")];
    return ["group", "scope"]
      .filter((member) => after[member] !== before[member])
      .map((member) => invalidValue(`spec.${member}`, after[member], "field is immutable"));
  },
  beginDelete(definition, scope) {
    const left = deleteObjects(definition, scope);
    const { metadata } = definition;
    const others = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
    metadata.finalizers = left === 0 ? others : [...others, CLEANUP_FINALIZER];
  },
};

/** `group/plural` under which the objects of a CRD are stored. */
export function storageKeyOf(definition: JsonObject): string {
  const spec = objectAt(definition, "spec");
  return `${textAt(spec, "group")}/${textAt(objectAt(spec, "names"), "plural")}`;
}

/** Removes a CRD that was only waiting for its last object. */
export function removeIfEmpty(session: StoreSession, name: string): void {
  const key = { resource: DEFINITIONS_KEY, namespace: "", name };
  const definition = session.get(key);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  if (session.list(storageKeyOf(definition as unknown as JsonObject)).length > 0) return;
  const finalizers = (definition.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
  definition.metadata.finalizers = finalizers;
  if (finalizers.length === 0) session.remove(key, definition);
  else session.put(key, definition);
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

/** A rule that our library does not understand is not enforced, and the author gets to know it. */
function warnOfRules(definition: JsonObject, { context }: WriteScope): void {
  for (const version of objectsIn(objectAt(definition, "spec")["versions"])) {
    const rules = new CelRules(objectAt(objectAt(version, "schema"), "openAPIV3Schema"));
    for (const { path, reason } of rules.problemsIn())
      context.warnings.push(`version ${textAt(version, "name")}: ${path} is not enforced: ${reason}`);
  }
}

function acceptedStatus(definition: JsonObject, previous: JsonObject | undefined, scope: WriteScope): JsonObject {
  const spec = objectAt(definition, "spec");
  const storage = objectsIn(spec["versions"]).find((version) => version["storage"] === true);
  const stored = Array.isArray(previous?.["storedVersions"]) ? previous["storedVersions"] : [];
  const name = textAt(storage, "name");
  const time = toKubernetesTime(scope.clock.now());
  const old = objectsIn(previous?.["conditions"]);
  const condition = (type: string, reason: string, message: string): JsonObject =>
    old.find((item) => item["type"] === type) ?? { type, status: "True", lastTransitionTime: time, reason, message };
  return {
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: structuredClone(objectAt(spec, "names")),
    storedVersions: stored.includes(name) ? stored : [...stored, name],
  };
}

function validateDefinition(definition: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const spec = objectAt(definition, "spec");
  const name = textAt(objectAt(definition, "metadata"), "name");
  const expected = `${textAt(objectAt(spec, "names"), "plural")}.${textAt(spec, "group")}`;
  if (name !== expected) errors.push(invalidValue("metadata.name", name, `must be spec.names.plural+"."+spec.group`));
  if (!textAt(spec, "group").includes("."))
    errors.push(invalidValue("spec.group", spec["group"], "should be a domain with at least one dot"));
  const versions = objectsIn(spec["versions"]);
  if (versions.filter((version) => version["storage"] === true).length !== 1)
    errors.push(
      invalidValue(
        "spec.versions",
        versions.map((version) => version["name"]),
        "must have exactly one version marked as storage version",
      ),
    );
  for (const [index, version] of versions.entries()) {
    const schema = objectAt(version, "schema")["openAPIV3Schema"];
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (!isJsonObject(schema)) errors.push(required(path, "schemas are required"));
    else if (schema["type"] !== "object")
      errors.push(
        schema["type"] === undefined
          ? required(`${path}.type`, "must not be empty at the root")
          : invalidValue(`${path}.type`, schema["type"], "must be object at the root"),
      );
  }
  return errors;
}
