import { type Clock, toKubernetesTime } from "@skerry/base";
import type { DeleteOptions } from "@skerry/kube";
import { type ApiObject, asJsonObject } from "./api-object.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { conflict } from "./status-errors.ts";

/** What a deletion does to an object. */
export type DeletionOutcome = "remove" | "mark" | "unchanged";

/** How an object that went at once is answered: kinds without a grace period show no mark of it. */
export function withoutDeletionMarks(definition: ResourceDefinition, object: ApiObject): ApiObject {
  if (definition.strategy.gracePeriodSeconds || definition.strategy.heldBack) return object;
  const { deletionTimestamp: _time, deletionGracePeriodSeconds: _seconds, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Whether nothing keeps a deleted object any longer. */
export function mayBeRemoved(definition: ResourceDefinition, object: ApiObject): boolean {
  return (
    object.metadata.deletionTimestamp !== undefined &&
    (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
    (object.metadata.finalizers ?? []).length === 0 &&
    definition.strategy.heldBack?.(asJsonObject(object)) !== true
  );
}

/** @throws ApiError Conflict when the object is not the one that is meant */
export function checkPreconditions(definition: ResourceDefinition, object: ApiObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { metadata } = object;
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      definition.reference,
      metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      definition.reference,
      metadata.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    );
}

/**
 * Begins (or hastens) the deletion of an object: sets its deletion marks and the garbage collector's finalizers in
 * place, and says whether it goes at once, stays marked, or was already on its way.
 */
export function beginDeletion(
  definition: ResourceDefinition,
  object: ApiObject,
  options: DeleteOptions,
  clock: Clock,
): DeletionOutcome {
  const { metadata } = object;
  const finalizersChanged = applyPropagation(object, options.propagationPolicy);
  const json = asJsonObject(object);
  const graceSeconds = Math.max(0, definition.strategy.gracePeriodSeconds?.(json, options.gracePeriodSeconds) ?? 0);
  const already = metadata.deletionTimestamp !== undefined;
  const shorter = already && graceSeconds < (metadata.deletionGracePeriodSeconds ?? 0);
  if (!already || shorter) {
    const startMs = already
      ? Date.parse(metadata.deletionTimestamp ?? "") - (metadata.deletionGracePeriodSeconds ?? 0) * 1000
      : clock.now();
    metadata.deletionTimestamp = toKubernetesTime(startMs + graceSeconds * 1000);
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (definition.strategy.tracksGeneration && metadata.generation !== undefined) metadata.generation++;
    definition.strategy.markDeleted?.(json);
  }
  if (mayBeRemoved(definition, object)) return "remove";
  return already && !shorter && !finalizersChanged ? "unchanged" : "mark";
}

/** The garbage collector works by two finalizers; a propagation policy sets one of them, or none. */
function applyPropagation(object: ApiObject, policy: DeleteOptions["propagationPolicy"]): boolean {
  if (policy === undefined) return false;
  const before = object.metadata.finalizers ?? [];
  const kept = before.filter((finalizer) => finalizer !== "orphan" && finalizer !== "foregroundDeletion");
  const added = policy === "Orphan" ? ["orphan"] : policy === "Foreground" ? ["foregroundDeletion"] : [];
  const after = [...kept, ...added];
  if (after.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = after;
  return before.join() !== after.join();
}
