import type { ObjectList, Status } from "@skerry/api";
import { type Clock, isJsonObject, type JsonObject, type Logger, type Random } from "@skerry/base";
import { badRequest, type DeleteOptions, type ListOptions } from "@skerry/kube";
import type { Admission } from "../admission/admission.ts";
import type { WriteReviewer } from "../admission/webhooks/reviewed-write.ts";
import { requireCreateRight } from "../authorization/create-right.ts";
import { applyConfiguration } from "../fieldmanager/field-manager.ts";
import { type ApiObject, asApiObject, asJsonObject } from "./api-object.ts";
import type { ObjectAt } from "./api-service.ts";
import { decodeBody, decodeConfiguration } from "./decode-body.ts";
import { beginDeletion, checkPreconditions, withoutDeletionMarks } from "./deletion.ts";
import { fieldWriteOf } from "./field-tracking.ts";
import { type CollectionAt, listCollection, requireKnownRevision } from "./list-collection.ts";
import type { ObjectStore } from "./object-store.ts";
import { keyOf, ObjectWrites } from "./object-writes.ts";
import { present } from "./present.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { invalid, notFound, versionOnCreate } from "./status-errors.ts";
import type { StoreSession } from "./store-session.ts";
import { WHOLE_OBJECT, type WritePart } from "./update-part.ts";

/** What the registry works with. */
export interface RegistryOptions {
  readonly store: ObjectStore;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Left out: no webhooks are asked. */
  readonly reviewer?: WriteReviewer<RequestContext>;
}

/**
 * The one way to objects, for HTTP clients and for the control plane's own components alike: defaulting, admission,
 * validation, optimistic concurrency, graceful deletion. Every failure is an ApiError worded as Kubernetes words it.
 */
export class Registry {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly #admission: Admission;
  readonly #writes: ObjectWrites;
  readonly #reviewer: WriteReviewer<RequestContext> | undefined;

  constructor(options: RegistryOptions) {
    this.store = options.store;
    this.clock = options.clock;
    this.#admission = options.admission;
    this.#writes = new ObjectWrites(options);
    this.#reviewer = options.reviewer;
  }

  /**
   * @param resourceVersion at least which the answer must be
   * @throws ApiError NotFound; 504 Timeout when there is no such version yet
   */
  get(definition: ResourceDefinition, namespace: string, name: string, resourceVersion = ""): ApiObject {
    const found = this.store.read((view) => {
      requireKnownRevision(view, resourceVersion);
      return view.get(keyOf(definition, namespace, name));
    });
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
    if (!["", "0", undefined].includes(object.metadata.resourceVersion)) throw versionOnCreate();
    return this.#write(context, (session, attempt) =>
      this.#writes.insert(session, attempt, definition, namespace, object, "update"),
    );
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
    requireName(body, name);
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
    return this.#update(context, definition, namespace, name, part, (current, attempt) => {
      const copy = structuredClone(current);
      const body = change(definition.conversion ? copy : present(definition, copy));
      requireName(body, name);
      return decodeBody(attempt, definition, body, namespace, patchForErrors);
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
    return this.#write(context, (session, attempt) => {
      const write = fieldWriteOf(attempt, definition, part.subresource, attempt.attempt?.clock ?? this.clock);
      const stored = session.get(keyOf(definition, namespace, name));
      if (stored)
        return {
          object: this.#writes.change(
            session,
            attempt,
            definition,
            part,
            stored,
            (current) =>
              decodeBody(
                attempt,
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
      const object = decodeBody(attempt, definition, applyConfiguration(write, undefined, asked, isForced), namespace);
      return { object: this.#writes.insert(session, attempt, definition, namespace, object, "applied"), isNew: true };
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
    const { object, removed } = await this.#write(context, (session, attempt) => {
      const found = session.get(key);
      if (!found) throw notFound(definition.reference, name);
      checkPreconditions(definition, found, options);
      const scope = this.#writes.scope(session, attempt);
      this.#admission.admitDelete(definition, found, scope);
      const write = { operation: "DELETE", definition, subresource: "", namespace, name } as const;
      const previous = attempt.attempt && present(definition, structuredClone(found));
      attempt.attempt?.mutated({ ...write, object: undefined, previous });
      attempt.attempt?.validate({ ...write, object: undefined, previous });
      if (found.metadata.deletionTimestamp === undefined) definition.strategy.beginDelete?.(found, scope);
      const outcome = beginDeletion(definition, found, options, scope.clock);
      if (outcome === "unchanged") return { object: found, removed: false };
      if (outcome === "mark") return { object: session.put(key, found), removed: false };
      return { object: this.#writes.remove(session, attempt, definition, key, found), removed: true };
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
    change: (current: ApiObject, attempt: RequestContext) => ApiObject,
  ): Promise<ApiObject> {
    return this.#write(context, (session, attempt) => {
      const stored = session.get(keyOf(definition, namespace, name));
      if (!stored) throw notFound(definition.reference, name);
      const changed = (current: ApiObject): ApiObject => change(current, attempt);
      return this.#writes.change(session, attempt, definition, part, stored, changed, "update");
    });
  }

  /** Runs `work` in a transaction, with webhooks in several of which only the last one counts. */
  #write<T>(context: RequestContext, work: (session: StoreSession, attempt: RequestContext) => T): Promise<T> {
    const transact = (attempt: RequestContext): Promise<T> => {
      const run = (session: StoreSession): T => work(session, attempt);
      return attempt.dryRun ? this.store.rehearse(run) : this.store.write(run);
    };
    return this.#reviewer ? this.#reviewer.run(context, transact) : transact(context);
  }

  /** What webhooks make of what is posted to a subresource, or of whom it connects. @throws ApiError */
  async reviewAction(
    context: RequestContext,
    at: ObjectAt,
    body: JsonObject,
    operation: "CREATE" | "CONNECT" = "CREATE",
  ): Promise<JsonObject> {
    const { definition, namespace, name, subresource = "" } = at;
    const write = { operation, definition, namespace, name, subresource, previous: undefined } as const;
    const changed = await this.#reviewer?.reviewAction(context, { ...write, object: asApiObject(body) });
    return changed ? asJsonObject(changed) : body;
  }
}

/** @throws ApiError BadRequest when a body names another object than the request */
function requireName(body: JsonObject, name: string): void {
  const bodyName = isJsonObject(body["metadata"]) ? (body["metadata"]["name"] ?? "") : "";
  if (bodyName !== "" && bodyName !== name)
    throw badRequest(`the name of the object (${String(bodyName)}) does not match the name on the URL (${name})`);
}
