import { type JsonObject, toKubernetesTime } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { type ApiObject, asJsonObject, objectAt, objectsIn, textAt, textsIn } from "../registry/api-object.ts";
import type { WriteScope } from "../registry/resource-definition.ts";

/** Where CRDs are stored. */
export const DEFINITIONS_KEY = "apiextensions.k8s.io/customresourcedefinitions";

/**
 * The status of a CRD: a kind is served once its names are accepted, which none of another CRD of its group may have. Names
 * that were accepted stay so when `spec.names` changes to taken ones.
 */
export function acceptedStatus(
  definition: JsonObject,
  previous: JsonObject | undefined,
  scope: WriteScope,
): JsonObject {
  const spec = objectAt(definition, "spec");
  const names = objectAt(spec, "names");
  const storage = objectsIn(spec["versions"]).find((version) => version["storage"] === true);
  const stored = textsIn(previous?.["storedVersions"]);
  const version = textAt(storage, "name");
  const conflict = conflictOf(names, namesInUse(definition, scope));
  const wasEstablished = isEstablished(previous);
  const time = toKubernetesTime(scope.clock.now());
  const old = objectsIn(previous?.["conditions"]);
  const others = old.filter((item) => !isOwn(item));
  const condition = (type: string, holds: boolean, reason: string, message: string): JsonObject => {
    const next = { type, status: holds ? "True" : "False", reason, message };
    const before = old.find((item) => item["type"] === type);
    return {
      ...next,
      lastTransitionTime: before?.["status"] === next.status ? (before["lastTransitionTime"] ?? time) : time,
    };
  };
  return {
    conditions: [
      conflict
        ? condition("NamesAccepted", false, conflict.reason, conflict.message)
        : condition("NamesAccepted", true, "NoConflicts", "no conflicts found"),
      conflict && !wasEstablished
        ? condition("Established", false, "NotAccepted", "not all names are accepted")
        : condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted"),
      ...others,
    ],
    acceptedNames: conflict
      ? objectAt(previous, "acceptedNames")["kind"] === undefined
        ? { plural: "", kind: "" }
        : structuredClone(objectAt(previous, "acceptedNames"))
      : structuredClone(names),
    storedVersions: stored.includes(version) ? stored : [...stored, version],
  };
}

/** What a client may change of a CRD's status: versions that are no longer stored, and conditions that are not the server's. */
export function askedStatus(asked: JsonObject, previous: JsonObject): JsonObject {
  const storedVersions = textsIn(asked["storedVersions"]);
  const conditions = [
    ...objectsIn(previous["conditions"]).filter(isOwn),
    ...objectsIn(asked["conditions"]).filter((condition) => !isOwn(condition)),
  ];
  return { ...previous, conditions, ...(storedVersions.length > 0 ? { storedVersions } : {}) };
}

function isOwn(condition: JsonObject): boolean {
  return condition["type"] === "NamesAccepted" || condition["type"] === "Established";
}

/** Whether a CRD's kind is served. */
export function isEstablished(status: JsonObject | undefined): boolean {
  return objectsIn(status?.["conditions"]).some(
    (condition) => condition["type"] === "Established" && condition["status"] === "True",
  );
}

/** Gives CRDs of the group the names that a deleted one had. */
export function acceptWaiting(removed: ApiObject, scope: WriteScope): void {
  const group = objectAt(asJsonObject(removed), "spec")["group"];
  for (const other of scope.session.list(DEFINITIONS_KEY)) {
    const json = asJsonObject(other);
    if (objectAt(json, "spec")["group"] !== group || other.metadata.uid === removed.metadata.uid) continue;
    const status = objectAt(json, "status");
    const next = acceptedStatus(json, status, scope);
    if (jsonEqual(next, status) || other.metadata.deletionTimestamp !== undefined) continue;
    json["status"] = next;
    scope.session.put({ resource: DEFINITIONS_KEY, namespace: "", name: other.metadata.name }, other);
  }
}

interface NamesInUse {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** The names that other CRDs of the group were given. */
function namesInUse(definition: JsonObject, { session }: WriteScope): NamesInUse {
  const [group, name] = [objectAt(definition, "spec")["group"], objectAt(definition, "metadata")["name"]];
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of session.list(DEFINITIONS_KEY)) {
    const json = asJsonObject(other);
    if (other.metadata.name === name || objectAt(json, "spec")["group"] !== group) continue;
    const accepted = objectAt(objectAt(json, "status"), "acceptedNames");
    for (const member of ["plural", "singular"]) resources.add(textAt(accepted, member));
    for (const short of textsIn(accepted["shortNames"])) resources.add(short);
    for (const member of ["kind", "listKind"]) kinds.add(textAt(accepted, member));
  }
  return { resources, kinds };
}

function conflictOf(
  names: JsonObject,
  { resources, kinds }: NamesInUse,
): { readonly reason: string; readonly message: string } | undefined {
  const candidates: readonly (readonly [string, string, ReadonlySet<string>])[] = [
    ["PluralConflict", textAt(names, "plural"), resources],
    ["SingularConflict", textAt(names, "singular"), resources],
    ...textsIn(names["shortNames"]).map((short) => ["ShortNamesConflict", short, resources] as const),
    ["KindConflict", textAt(names, "kind"), kinds],
    ["ListKindConflict", textAt(names, "listKind"), kinds],
  ];
  // As in Kubernetes, of several conflicts the last is told.
  const found = candidates.findLast(([, name, taken]) => taken.has(name));
  return found && { reason: found[0], message: `${JSON.stringify(found[1])} is already in use` };
}
