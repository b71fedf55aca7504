import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest, jsonEqual } from "@skerry/kube";
import { ensureObject, objectAt } from "../registry/api-object.ts";
import { applyConflict, type ManagerConflict } from "./apply-conflict.ts";
import { compareFields, type FieldComparison } from "./compare-fields.ts";
import {
  difference,
  differenceBelow,
  EMPTY_SET,
  type FieldSet,
  fieldSetOf,
  intersection,
  isEmptySet,
  pathTexts,
  union,
} from "./field-set.ts";
import { fieldsOf } from "./fields-of.ts";
import { KUBECTL, lastApplied, noteLastApplied } from "./last-applied.ts";
import { type ManagedEntry, ManagedFields, type Manager } from "./managed-fields.ts";
import { mergeApplied, pruneApplied } from "./merge-applied.ts";
import type { Topology } from "./topology.ts";

/** A write as far as the ownership of fields is concerned. */
export interface FieldWrite {
  readonly topology: Topology;
  readonly manager: string;
  readonly apiVersion: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Fields that this write cannot change; nothing below them is owned through it. */
  readonly ignored: FieldSet;
  /** Now, in Kubernetes' text form. */
  readonly time: string;
}

/** Fields that the server decides on, or that name the object. */
const NEVER_OWNED: FieldSet = fieldSetOf([
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => ["f:metadata", `f:${name}`]),
]);

/** The manager of what was there before ownership was tracked. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * Notes in `next.metadata.managedFields` what a write changes. An object that has no managers, because it is older than
 * their tracking or a client took them away, gets none by an update.
 * @param live undefined when the object is new
 */
export function trackUpdate(write: FieldWrite, live: JsonObject | undefined, next: JsonObject): void {
  const managed = managersBefore(write, live, next);
  const [before, after] = [withoutManagers(live ?? {}), withoutManagers(next)];
  if (live === undefined || !managed.isEmpty) {
    const changes = changesOf(write, before, after);
    for (const entry of managed.entries())
      managed.set(entry, difference(difference(entry.fields, union(changes.modified, changes.added)), changes.removed));
    const own: Manager = managerOf(write, "Update");
    const written = difference(union(changes.modified, changes.added), NEVER_OWNED);
    if (!isEmptySet(written))
      managed.set(own, union(managed.fieldsOf(own), written), write.subresource === "scale" ? undefined : write.time);
    managed.cap();
  }
  writeManagers(next, managed);
}

/**
 * Applies a configuration: lays it over the live object, takes away what the manager no longer asks for, and notes who
 * owns what.
 * @param live undefined when the object is new
 * @throws ApiError Conflict when another manager owns what would change, BadRequest
 */
export function applyConfiguration(
  write: FieldWrite,
  live: JsonObject | undefined,
  config: JsonObject,
  isForced: boolean,
): JsonObject {
  if (objectAt(config, "metadata")["managedFields"] !== undefined)
    throw badRequest("metadata.managedFields must be nil");
  const outcome = applied(write, live, config, isForced);
  const conflicts = outcome.conflicts;
  if (conflicts.length > 0) {
    if (live === undefined || !comesFromClientSideApply(write, live, conflicts)) throw applyConflict(conflicts);
    return applied(write, live, config, true).object;
  }
  return outcome.object;
}

function applied(
  write: FieldWrite,
  live: JsonObject | undefined,
  config: JsonObject,
  isForced: boolean,
): { object: JsonObject; conflicts: readonly ManagerConflict[] } {
  const managed = managersBefore(write, live, {});
  const before = withoutManagers(live ?? {});
  if (live !== undefined && managed.isEmpty)
    managed.set(
      { name: BEFORE_FIRST_APPLY, operation: "Update", apiVersion: write.apiVersion, subresource: "" },
      difference(fieldsOf(write.topology, before), NEVER_OWNED),
      write.time,
    );
  const own = managerOf(write, "Apply");
  const last = managed.fieldsOf(own);
  const asked = difference(differenceBelow(fieldsOf(write.topology, config), write.ignored), NEVER_OWNED);
  managed.set(own, asked);
  const merged = mergeApplied(write.topology, before, config);
  const next = isEmptySet(last) ? merged : pruneApplied(write.topology, merged, last, managed.all());
  const changes = changesOf(write, before, next);
  const conflicts = takeFields(managed, own, changes, isForced);
  // A configuration that changes nothing leaves no new time.
  if (!jsonEqual(before, next)) managed.set(own, managed.fieldsOf(own), write.time);
  if (write.manager === KUBECTL && lastApplied(next) !== undefined) noteLastApplied(next, config);
  writeManagers(next, managed);
  return { object: next, conflicts };
}

/** Takes the changed fields from the other managers; says whose they were when that is not forced. */
function takeFields(
  managed: ManagedFields,
  own: Manager,
  changes: FieldComparison,
  isForced: boolean,
): ManagerConflict[] {
  const changed = union(changes.modified, changes.added);
  const conflicts: ManagerConflict[] = [];
  for (const entry of managed.entries()) {
    if (isSame(entry, own)) continue;
    const disputed = intersection(entry.fields, changed);
    if (!isEmptySet(disputed) && !isForced) conflicts.push({ ...entry, fields: disputed });
    managed.set(entry, difference(difference(entry.fields, disputed), changes.removed));
  }
  return conflicts;
}

/** kubectl may take over what it has itself applied on the client's side. */
function comesFromClientSideApply(write: FieldWrite, live: JsonObject, conflicts: readonly ManagerConflict[]): boolean {
  const last = write.manager === KUBECTL ? lastApplied(live) : undefined;
  if (!last) return false;
  const allowed = fieldsOf(write.topology, last);
  return conflicts.every(({ fields }) => pathTexts(difference(fields, allowed)).length === 0);
}

function changesOf(write: FieldWrite, before: JsonObject, after: JsonObject): FieldComparison {
  const { added, modified, removed } = compareFields(write.topology, before, after);
  const judged = (set: FieldSet): FieldSet => differenceBelow(set, write.ignored);
  return { added: judged(added), modified: judged(modified), removed: judged(removed) };
}

/** The managers a write starts from: those the client sends, if it changes them on purpose, else the stored ones. */
function managersBefore(write: FieldWrite, live: JsonObject | undefined, next: JsonObject): ManagedFields {
  const sent = objectAt(next, "metadata")["managedFields"];
  const stored = objectAt(live, "metadata")["managedFields"];
  if (write.subresource !== "") return ManagedFields.read(stored);
  if (isReset(sent)) return ManagedFields.read([]);
  const given = ManagedFields.read(sent);
  return given.isEmpty ? ManagedFields.read(stored) : given;
}

/** One empty entry asks for all managers to go. */
function isReset(sent: JsonValue | undefined): boolean {
  const first = Array.isArray(sent) ? sent[0] : undefined;
  return Array.isArray(sent) && sent.length === 1 && isJsonObject(first) && Object.keys(first).length === 0;
}

function withoutManagers(object: JsonObject): JsonObject {
  const { metadata } = object;
  if (!isJsonObject(metadata)) return { ...object, metadata: {} };
  const { managedFields: _managed, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function writeManagers(object: JsonObject, managed: ManagedFields): void {
  const metadata = ensureObject(object, "metadata");
  if (managed.isEmpty) delete metadata["managedFields"];
  else metadata["managedFields"] = managed.toJson();
}

function managerOf(write: FieldWrite, operation: Manager["operation"]): Manager {
  return { name: write.manager, operation, apiVersion: write.apiVersion, subresource: write.subresource };
}

function isSame(entry: ManagedEntry, own: Manager): boolean {
  return entry.name === own.name && entry.operation === own.operation && entry.subresource === own.subresource;
}

/** The fields below which a write to the object, or to its subresource, changes nothing. */
export function ignoredFields(hasStatus: boolean, subresource: string): FieldSet {
  if (subresource === "status") return SPEC;
  return hasStatus ? STATUS : EMPTY_SET;
}

const STATUS: FieldSet = fieldSetOf([["f:status"]]);
const SPEC: FieldSet = fieldSetOf([["f:spec"]]);
