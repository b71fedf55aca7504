import { type Clock, type JsonObject, type Random, toKubernetesTime } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import type { Admission } from "../admission/admission.ts";
import type { ReviewedWrite } from "../admission/webhooks/reviewed-write.ts";
import { trackUpdate } from "../fieldmanager/field-manager.ts";
import { type ApiObject, asApiObject, asJsonObject } from "./api-object.ts";
import { mayBeRemoved } from "./deletion.ts";
import type { FieldError } from "./field-error.ts";
import { fieldWriteOf } from "./field-tracking.ts";
import { generatedName, initialMetadata, validateFinalizers, validateMetadata } from "./metadata.ts";
import { present } from "./present.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceDefinition, WriteScope } from "./resource-definition.ts";
import { alreadyExists, forbidden, invalid } from "./status-errors.ts";
import type { ObjectKey, StoreSession } from "./store-session.ts";
import { countGeneration, takePart, type UpdatePart, type WritePart } from "./update-part.ts";

/** Tries at a generated name that is free. */
const GENERATED_NAME_TRIES = 8;

/** Who owns what the API server itself writes. */
const API_SERVER = "kube-apiserver";

/** What writes go by. */
export interface ObjectWritesPorts {
  readonly admission: Admission;
  readonly clock: Clock;
  readonly random: Random;
}

/** One object's way into the store, within a transaction: defaulting, admission, validation, and who owns which field. */
export class ObjectWrites {
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ admission, clock, random }: ObjectWritesPorts) {
    this.#admission = admission;
    this.#clock = clock;
    this.#random = random;
  }

  /** @throws ApiError AlreadyExists, Invalid, Forbidden */
  insert(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    asked: ApiObject,
    ownership: "update" | "applied",
  ): ApiObject {
    const scope = this.scope(session, context);
    // One that is tried again begins anew.
    let object = context.attempt ? structuredClone(asked) : asked;
    const { metadata } = object;
    const generate = metadata.name === undefined || metadata.name === "" ? (metadata.generateName ?? "") : "";
    if (generate !== "") metadata.name = freeName(scope, definition, namespace, generate);
    let json = asJsonObject(object);
    if (definition.strategy.hasStatus && !definition.strategy.keepsStatusOnCreate) delete json["status"];
    initialMetadata(
      object,
      scope.random.uuid(),
      toKubernetesTime(scope.clock.now()),
      definition.strategy.tracksGeneration,
    );
    definition.strategy.applyDefaults?.(json);
    if (ownership === "update") trackUpdate(fieldWriteOf(context, definition, "", scope.clock), undefined, json);
    definition.strategy.prepareForCreate?.(json, scope);
    const status = definition.strategy.statusBeforeServer?.();
    if (status) {
      const write = fieldWriteOf(context, definition, "status", scope.clock);
      trackUpdate({ ...write, manager: API_SERVER }, { ...json, status }, json);
    }
    this.#admission.admitCreate(definition, object, scope);
    const write = { operation: "CREATE", definition, subresource: "", namespace, name: metadata.name } as const;
    const mutated = context.attempt?.mutated({ ...write, object, previous: undefined });
    if (mutated) {
      object = asApiObject({ ...asJsonObject(mutated), ...(json["status"] ? { status: json["status"] } : {}) });
      json = asJsonObject(object);
      definition.strategy.applyDefaults?.(json);
      definition.strategy.prepareForCreate?.(json, scope);
      this.#admission.admitCreate(definition, object, scope);
    }
    this.#check(definition, object, [
      ...validateMetadata(definition, object),
      ...validateFinalizers(object),
      ...definition.schema.validate(object),
      ...(definition.strategy.validate?.(json) ?? []),
      ...(definition.strategy.validateCreate?.(json) ?? []),
      ...this.#admission.validate(definition, object, undefined, scope),
    ]);
    context.attempt?.validate({ ...write, object, previous: undefined });
    const key = keyOf(definition, namespace, metadata.name);
    if (session.get(key)) throw alreadyExists(definition.reference, metadata.name);
    this.#admission.settle(definition, undefined, object, scope);
    const stored = session.put(key, toStored(definition, object));
    if (context.dryRun) delete stored.metadata.resourceVersion;
    return present(definition, stored);
  }

  /**
   * Puts what `change` makes of an object in its place, or takes away one that may go now.
   * @throws ApiError Conflict, Invalid, Forbidden
   */
  change(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    { part, subresource }: WritePart,
    stored: ApiObject,
    change: (current: ApiObject) => ApiObject,
    ownership: "update" | "applied",
  ): ApiObject {
    const previous = definition.conversion ? definition.conversion.fromStored(stored) : stored;
    const scope = this.scope(session, context);
    const before = asJsonObject(previous);
    const tracked = (changed: JsonObject): void => {
      if (ownership === "update")
        trackUpdate(fieldWriteOf(context, definition, subresource, scope.clock), before, changed);
    };
    const { namespace = "", name } = previous.metadata;
    const write = { operation: "UPDATE", definition, subresource, namespace, name, previous } as const;
    let next = takePart(definition, structuredClone(change(structuredClone(previous))), previous, part);
    this.#prepareChange(scope, write, next, part, tracked);
    const mutated = context.attempt?.mutated({ ...write, object: next });
    if (mutated) {
      next = takePart(definition, mutated, previous, part);
      this.#prepareChange(scope, write, next, part);
    }
    const json = asJsonObject(next);
    if (part !== "status") countGeneration(definition, next, previous);
    this.#check(definition, next, [
      ...validateMetadata(definition, next),
      ...validateFinalizers(next, previous),
      ...definition.schema.validate(next, previous),
      ...(part === "object" ? changedSpecErrors(definition, json, before) : []),
      ...(part === "object" ? (definition.strategy.validateUpdate?.(json, before) ?? []) : []),
      ...(part === "ephemeral-containers"
        ? (definition.strategy.validateEphemeralContainers?.(json, before) ?? [])
        : []),
      ...(part === "resize" ? (definition.strategy.validateResize?.(json, before) ?? []) : []),
      ...(part === "object" ? this.#admission.validate(definition, next, previous, scope) : []),
    ]);
    context.attempt?.validate({ ...write, object: next });
    const key = keyOf(definition, namespace, name);
    const toStore = toStored(definition, next, stored);
    if (mayBeRemoved(definition, next))
      return present(definition, this.remove(session, context, definition, key, toStore));
    if (jsonEqual(asJsonObject(toStore), asJsonObject(stored))) return present(definition, stored);
    this.#admission.settle(definition, stored, toStore, scope);
    const { resourceVersion } = stored.metadata;
    const kept = session.put(key, toStore);
    // A rehearsal is no new version.
    if (context.dryRun && resourceVersion !== undefined) kept.metadata.resourceVersion = resourceVersion;
    return present(definition, kept);
  }

  /** Defaults and rules that complete a changed object, in place; `track` notes in between who owns what. */
  #prepareChange(
    scope: WriteScope,
    { definition, subresource, previous }: Pick<ReviewedWrite, "definition" | "subresource"> & { previous: ApiObject },
    next: ApiObject,
    part: UpdatePart,
    track: (json: JsonObject) => void = () => undefined,
  ): void {
    const [json, before] = [asJsonObject(next), asJsonObject(previous)];
    definition.strategy.applyDefaults?.(json);
    if (part === "status") {
      const refusal = definition.strategy.prepareForStatus?.(json, before, subresource, scope);
      if (refusal !== undefined) throw forbidden(definition.reference, previous.metadata.name, refusal);
    }
    track(json);
    if (part === "object") definition.strategy.prepareForUpdate?.(json, before, scope);
    this.#admission.admitUpdate(definition, { next, previous, subresource }, scope);
  }

  remove(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    key: ObjectKey,
    object: ApiObject,
  ): ApiObject {
    const scope = this.scope(session, context);
    this.#admission.settle(definition, session.get(key), undefined, scope);
    session.remove(key, object);
    definition.strategy.afterRemove?.(object, scope);
    return object;
  }

  #check(definition: ResourceDefinition, object: ApiObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalid(definition.reference, object.metadata.name ?? "", errors);
  }

  /** What admission and the kinds' own rules have to go by. */
  scope(session: StoreSession, context: RequestContext): WriteScope {
    const { clock = this.#clock, random = this.#random } = context.attempt ?? {};
    return { session, context, clock, random };
  }
}

function freeName(
  { session, random }: WriteScope,
  definition: ResourceDefinition,
  namespace: string,
  generate: string,
): string {
  let name = generatedName(generate, random);
  for (let tries = 1; tries < GENERATED_NAME_TRIES && session.get(keyOf(definition, namespace, name)); tries++)
    name = generatedName(generate, random);
  return name;
}

/** What was stored before a rule was there can still be labelled, and be deleted: only what changes is held to the rules. */
function changedSpecErrors(definition: ResourceDefinition, next: JsonObject, previous: JsonObject): FieldError[] {
  const { strategy } = definition;
  const errors = strategy.validate?.(next) ?? [];
  if (errors.length === 0) return [];
  const before = structuredClone(previous);
  strategy.applyDefaults?.(before);
  return jsonEqual(withoutMetadata(next), withoutMetadata(before)) ? [] : errors;
}

function withoutMetadata({ metadata: _metadata, status: _status, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** Where an object of a definition is stored. */
export function keyOf(definition: ResourceDefinition, namespace: string, name: string): ObjectKey {
  return { resource: definition.storageKey, namespace: definition.reference.namespaced ? namespace : "", name };
}

function toStored(definition: ResourceDefinition, object: ApiObject, previous?: ApiObject): ApiObject {
  return definition.conversion ? definition.conversion.toStored(object, previous) : object;
}
