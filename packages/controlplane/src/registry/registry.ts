import type { ObjectList, Status } from "@skerry/api";
import { type Clock, isJsonObject, type JsonObject, type Logger, type Random, toKubernetesTime } from "@skerry/base";
import { badRequest, type DeleteOptions, jsonEqual, type ListOptions } from "@skerry/kube";
import type { Admission } from "../admission/admission.ts";
import { requireCreateRight } from "../authorization/create-right.ts";
import { applyConfiguration, trackUpdate } from "../fieldmanager/field-manager.ts";
import { type ApiObject, asJsonObject } from "./api-object.ts";
import { decodeBody, decodeConfiguration } from "./decode-body.ts";
import { beginDeletion, checkPreconditions, mayBeRemoved, withoutDeletionMarks } from "./deletion.ts";
import type { FieldError } from "./field-error.ts";
import { fieldWriteOf } from "./field-tracking.ts";
import { type CollectionAt, listCollection } from "./list-collection.ts";
import { generatedName, initialMetadata, validateFinalizers, validateMetadata } from "./metadata.ts";
import type { ObjectStore } from "./object-store.ts";
import { present } from "./present.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceDefinition, WriteScope } from "./resource-definition.ts";
import { alreadyExists, forbidden, invalid, notFound } from "./status-errors.ts";
import type { ObjectKey, StoreSession } from "./store-session.ts";
import { countGeneration, takePart, type UpdatePart } from "./update-part.ts";

/** Tries at a generated name that is free. */
const GENERATED_NAME_TRIES = 8;

/** Who owns what the API server itself writes. */
const API_SERVER = "kube-apiserver";

/** What a write changes: the object or a part of it, through which subresource. */
export interface WritePart {
  readonly part: UpdatePart;
  /** Empty: the object itself. */
  readonly subresource: string;
}

/** The object itself, not one of its subresources. */
export const WHOLE_OBJECT: WritePart = { part: "object", subresource: "" };

/** What the registry works with. */
export interface RegistryOptions {
  readonly store: ObjectStore;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The one way to objects, for HTTP clients and for the control plane's own components alike: defaulting, admission,
 * validation, optimistic concurrency, graceful deletion. Every failure is an ApiError worded as Kubernetes words it.
 */
export class Registry {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly #admission: Admission;
  readonly #random: Random;

  constructor(options: RegistryOptions) {
    this.store = options.store;
    this.clock = options.clock;
    this.#admission = options.admission;
    this.#random = options.random;
  }

  /** @throws ApiError NotFound */
  get(definition: ResourceDefinition, namespace: string, name: string): ApiObject {
    const found = this.store.read((view) => view.get(keyOf(definition, namespace, name)));
    if (!found) throw notFound(definition.reference, name);
    return present(definition, found);
  }

  list(definition: ResourceDefinition, namespace: string | undefined, options: ListOptions): ObjectList<ApiObject> {
    const at: CollectionAt = { definition, namespace };
    return this.store.read((view) => listCollection(view, at, options));
  }

  /** @throws ApiError AlreadyExists, Invalid, Forbidden, BadRequest */
  create(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    body: JsonObject,
  ): Promise<ApiObject> {
    const object = decodeBody(context, definition, body, namespace);
    return this.#write(context, (session) => this.#insert(session, context, definition, namespace, object, "update"));
  }

  #insert(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    object: ApiObject,
    ownership: "update" | "applied",
  ): ApiObject {
    const scope = this.#scope(session, context);
    const { metadata } = object;
    const generate = metadata.name === undefined || metadata.name === "" ? (metadata.generateName ?? "") : "";
    if (generate !== "") metadata.name = this.#freeName(session, definition, namespace, generate);
    const json = asJsonObject(object);
    if (definition.strategy.hasStatus && !definition.strategy.keepsStatusOnCreate) delete json["status"];
    initialMetadata(object, this.#random.uuid(), this.#now(), definition.strategy.tracksGeneration);
    definition.strategy.applyDefaults?.(json);
    if (ownership === "update") trackUpdate(fieldWriteOf(context, definition, "", this.clock), undefined, json);
    definition.strategy.prepareForCreate?.(json, scope);
    const status = definition.strategy.statusBeforeServer?.();
    if (status) {
      const write = fieldWriteOf(context, definition, "status", this.clock);
      trackUpdate({ ...write, manager: API_SERVER }, { ...json, status }, json);
    }
    this.#admission.admitCreate(definition, object, scope);
    this.#check(definition, object, [
      ...validateMetadata(definition, object),
      ...definition.schema.validate(object),
      ...(definition.strategy.validate?.(json) ?? []),
      ...(definition.strategy.validateCreate?.(json) ?? []),
      ...this.#admission.validate(definition, object, undefined, scope),
    ]);
    const key = keyOf(definition, namespace, metadata.name);
    if (session.get(key)) throw alreadyExists(definition.reference, metadata.name);
    this.#admission.settle(definition, undefined, object, scope);
    const stored = session.put(key, toStored(definition, object));
    if (context.dryRun) delete stored.metadata.resourceVersion;
    return present(definition, stored);
  }

  /** Replaces an object, or its status. @throws ApiError NotFound, Conflict, Invalid, BadRequest */
  replace(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    body: JsonObject,
    part: WritePart = WHOLE_OBJECT,
  ): Promise<ApiObject> {
    const bodyName = isJsonObject(body["metadata"]) ? body["metadata"]["name"] : undefined;
    if (bodyName !== undefined && bodyName !== name)
      throw badRequest(`the name of the object (${String(bodyName)}) does not match the name on the URL (${name})`);
    const next = decodeBody(context, definition, body, namespace);
    if (
      definition.strategy.requiresVersionOnUpdate &&
      (next.metadata.resourceVersion === undefined || next.metadata.resourceVersion === "")
    )
      throw invalid(definition.reference, name, [
        {
          reason: "FieldValueInvalid",
          field: "metadata.resourceVersion",
          message: "Invalid value: 0x0: must be specified for an update",
        },
      ]);
    return this.#update(context, definition, namespace, name, part, () => next);
  }

  /**
   * Changes an object by a function of its present state, e.g. a patch; in one transaction, so it never conflicts
   * with itself. @throws ApiError NotFound, Conflict, Invalid, BadRequest
   */
  modify(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    change: (current: ApiObject) => JsonObject,
    part: WritePart = WHOLE_OBJECT,
    patchForErrors?: JsonObject,
  ): Promise<ApiObject> {
    return this.#update(context, definition, namespace, name, part, (current) => {
      const copy = structuredClone(current);
      const body = change(definition.conversion ? copy : present(definition, copy));
      return decodeBody(context, definition, body, namespace, patchForErrors);
    });
  }

  /**
   * Applies a configuration (server-side apply); makes the object when it is not there.
   * @throws ApiError Conflict when others own what would change; NotFound for a subresource of nothing; Forbidden when it
   * is not there and the user may not create it
   */
  apply(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    config: JsonObject,
    isForced: boolean,
    part: WritePart = WHOLE_OBJECT,
  ): Promise<{ readonly object: ApiObject; readonly isNew: boolean }> {
    const asked = decodeConfiguration(definition, config, namespace, name);
    return this.#write(context, (session) => {
      const write = fieldWriteOf(context, definition, part.subresource, this.clock);
      const stored = session.get(keyOf(definition, namespace, name));
      if (stored)
        return {
          object: this.#change(
            session,
            context,
            definition,
            part,
            stored,
            (current) =>
              decodeBody(
                context,
                definition,
                applyConfiguration(write, asJsonObject(current), asked, isForced),
                namespace,
              ),
            "applied",
          ),
          isNew: false,
        };
      if (part.part !== "object") throw notFound(definition.reference, name);
      requireCreateRight(session, context.user, definition.reference, { namespace, name });
      const object = decodeBody(context, definition, applyConfiguration(write, undefined, asked, isForced), namespace);
      return { object: this.#insert(session, context, definition, namespace, object, "applied"), isNew: true };
    });
  }

  /** Deletes one object; answers with the object while it stays, else as the kind does. */
  async delete(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    options: DeleteOptions,
  ): Promise<ApiObject | Status> {
    const key = keyOf(definition, namespace, name);
    const { object, removed } = await this.#write(context, (session) => {
      const found = session.get(key);
      if (!found) throw notFound(definition.reference, name);
      checkPreconditions(definition, found, options);
      this.#admission.admitDelete(definition, found, this.#scope(session, context));
      if (found.metadata.deletionTimestamp === undefined)
        definition.strategy.beginDelete?.(found, this.#scope(session, context));
      const outcome = beginDeletion(definition, found, options, this.clock);
      if (outcome === "unchanged") return { object: found, removed: false };
      if (outcome === "mark") return { object: session.put(key, found), removed: false };
      return { object: this.#remove(session, context, definition, key, found), removed: true };
    });
    if (!removed) return present(definition, object);
    if (definition.strategy.returnsDeletedObject) return present(definition, withoutDeletionMarks(definition, object));
    const { group, resource } = definition.reference;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name,
        ...(group === "" ? {} : { group }),
        kind: resource,
        ...(object.metadata.uid === undefined ? {} : { uid: object.metadata.uid }),
      },
    } as Status;
  }

  #update(
    context: RequestContext,
    definition: ResourceDefinition,
    namespace: string,
    name: string,
    part: WritePart,
    change: (current: ApiObject) => ApiObject,
  ): Promise<ApiObject> {
    return this.#write(context, (session) => {
      const stored = session.get(keyOf(definition, namespace, name));
      if (!stored) throw notFound(definition.reference, name);
      return this.#change(session, context, definition, part, stored, change, "update");
    });
  }

  #change(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    { part, subresource }: WritePart,
    stored: ApiObject,
    change: (current: ApiObject) => ApiObject,
    ownership: "update" | "applied",
  ): ApiObject {
    const previous = definition.conversion ? definition.conversion.fromStored(stored) : stored;
    const scope = this.#scope(session, context);
    const next = takePart(definition, structuredClone(change(structuredClone(previous))), previous, part);
    const [json, before] = [asJsonObject(next), asJsonObject(previous)];
    definition.strategy.applyDefaults?.(json);
    if (part === "status") {
      const refusal = definition.strategy.prepareForStatus?.(json, before, subresource, scope);
      if (refusal !== undefined) throw forbidden(definition.reference, previous.metadata.name, refusal);
    }
    if (ownership === "update") trackUpdate(fieldWriteOf(context, definition, subresource, this.clock), before, json);
    if (part === "object") definition.strategy.prepareForUpdate?.(json, before, scope);
    this.#admission.admitUpdate(definition, { next, previous, subresource }, scope);
    if (part !== "status") countGeneration(definition, next, previous);
    this.#check(definition, next, [
      ...validateMetadata(definition, next),
      ...validateFinalizers(next, previous),
      ...definition.schema.validate(next, previous),
      ...(part === "object" ? (definition.strategy.validate?.(json) ?? []) : []),
      ...(part === "object" ? (definition.strategy.validateUpdate?.(json, before) ?? []) : []),
      ...(part === "ephemeral-containers"
        ? (definition.strategy.validateEphemeralContainers?.(json, before) ?? [])
        : []),
      ...(part === "resize" ? (definition.strategy.validateResize?.(json, before) ?? []) : []),
      ...(part === "object" ? this.#admission.validate(definition, next, previous, scope) : []),
    ]);
    const key = keyOf(definition, previous.metadata.namespace ?? "", previous.metadata.name);
    const toStore = toStored(definition, next, stored);
    if (mayBeRemoved(definition, next))
      return present(definition, this.#remove(session, context, definition, key, toStore));
    if (jsonEqual(asJsonObject(toStore), asJsonObject(stored))) return present(definition, stored);
    this.#admission.settle(definition, stored, toStore, scope);
    const { resourceVersion } = stored.metadata;
    const kept = session.put(key, toStore);
    // A rehearsal is no new version.
    if (context.dryRun && resourceVersion !== undefined) kept.metadata.resourceVersion = resourceVersion;
    return present(definition, kept);
  }

  #remove(
    session: StoreSession,
    context: RequestContext,
    definition: ResourceDefinition,
    key: ObjectKey,
    object: ApiObject,
  ): ApiObject {
    const scope = this.#scope(session, context);
    this.#admission.settle(definition, session.get(key), undefined, scope);
    session.remove(key, object);
    definition.strategy.afterRemove?.(object, scope);
    return object;
  }

  #write<T>(context: RequestContext, work: (session: StoreSession) => T): Promise<T> {
    return context.dryRun ? this.store.rehearse(work) : this.store.write(work);
  }

  #check(definition: ResourceDefinition, object: ApiObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalid(definition.reference, object.metadata.name ?? "", errors);
  }

  #freeName(session: StoreSession, definition: ResourceDefinition, namespace: string, generate: string): string {
    let name = generatedName(generate, this.#random);
    for (let tries = 1; tries < GENERATED_NAME_TRIES && session.get(keyOf(definition, namespace, name)); tries++)
      name = generatedName(generate, this.#random);
    return name;
  }

  #scope(session: StoreSession, context: RequestContext): WriteScope {
    return { session, context, clock: this.clock, random: this.#random };
  }

  #now(): string {
    return toKubernetesTime(this.clock.now());
  }
}

/** Where an object of a definition is stored. */
export function keyOf(definition: ResourceDefinition, namespace: string, name: string): ObjectKey {
  return { resource: definition.storageKey, namespace: definition.reference.namespaced ? namespace : "", name };
}

function toStored(definition: ResourceDefinition, object: ApiObject, previous?: ApiObject): ApiObject {
  return definition.conversion ? definition.conversion.toStored(object, previous) : object;
}
