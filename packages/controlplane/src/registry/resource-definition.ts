import type { ResourceReference } from "@skerry/api";
import type { Clock, JsonObject, Random } from "@skerry/base";
import type { Topology } from "../fieldmanager/topology.ts";
import type { TableColumn } from "../table/table-column.ts";
import type { ApiObject } from "./api-object.ts";
import type { FieldError } from "./field-error.ts";
import type { RequestContext } from "./request-context.ts";
import type { StoreSession } from "./store-session.ts";

/** What a strategy may look at while a write is prepared. */
export interface WriteScope {
  readonly session: StoreSession;
  readonly context: RequestContext;
  readonly clock: Clock;
  readonly random: Random;
}

/** A decoded body: unknown members are gone from the object and named apart. */
export interface Decoded {
  readonly object: JsonObject;
  readonly unknown: readonly string[];
  /** A member whose value cannot be read. */
  readonly mismatch?: { readonly message: string; readonly type: string };
}

/** How bodies of a kind are read: a built-in type, or the structural schema of a custom resource. */
export interface ObjectSchema {
  /** @throws ApiError 400 when a member cannot be read */
  decode(object: JsonObject): Decoded;
  /** As `decode`, for a part of an object that is to be applied: nothing is added. */
  decodePart(object: JsonObject): Decoded;
  /** How fields of the kind are owned. */
  readonly topology: Topology;
  /** Rules that hold for every object of the kind. @param previous what it was before; left out when it is new */
  validate(object: ApiObject, previous?: ApiObject): FieldError[];
}

/** Where the scale subresource finds its numbers: paths with dots. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** A LabelSelector object, or a text. */
  readonly selector?: string;
}

/**
 * What is particular to a kind. Everything else (metadata, revisions, finalizers, watches) the registry does alike
 * for all. All functions change the given object in place or report; they never write.
 */
export interface KindStrategy {
  /** Has a status that only the status subresource changes. */
  readonly hasStatus: boolean;
  /** A new object may bring its status along, as kubelets register their nodes. */
  readonly keepsStatusOnCreate?: boolean;
  /** `metadata.generation` counts changes of what users want. */
  readonly tracksGeneration: boolean;
  /** A change of annotations counts in `metadata.generation` too. */
  readonly countsAnnotations?: boolean;
  /** The status subresource may change labels, annotations and finalizers too. */
  readonly statusMayChangeMetadata?: boolean;
  /** An update without resourceVersion is refused. */
  readonly requiresVersionOnUpdate?: boolean;
  /** A deletion answers with the object instead of a Status. */
  readonly returnsDeletedObject?: boolean;
  /** Fields that field selectors may use, besides metadata.name and metadata.namespace. */
  readonly selectableFields?: readonly string[];
  readonly scale?: ScalePaths;
  /** Which names are allowed. @default DNS subdomain */
  readonly nameRule?: "subdomain" | "label" | "path";
  /** The status from which the API server itself went on when the object was made; it then owns what it set. */
  statusBeforeServer?(): JsonObject;
  applyDefaults?(object: JsonObject): void;
  prepareForCreate?(object: JsonObject, scope: WriteScope): void;
  prepareForUpdate?(next: JsonObject, previous: JsonObject, scope: WriteScope): void;
  /**
   * As `prepareForUpdate` for a write of the status through a subresource, `status` or another.
   * @returns why it is forbidden; undefined when it is not
   */
  prepareForStatus?(next: JsonObject, previous: JsonObject, subresource: string, scope: WriteScope): string | undefined;
  validate?(object: JsonObject): FieldError[];
  validateCreate?(object: JsonObject): FieldError[];
  validateUpdate?(next: JsonObject, previous: JsonObject): FieldError[];
  /** Rules of the subresource `ephemeralcontainers`. */
  validateEphemeralContainers?(next: JsonObject, previous: JsonObject): FieldError[];
  /** Rules of the subresource `resize`. */
  validateResize?(next: JsonObject, previous: JsonObject): FieldError[];
  /** The grace period of a deletion in seconds; 0 (also without the function) removes at once. */
  gracePeriodSeconds?(object: JsonObject, requested: number | undefined): number;
  /** More to change when a deletion has begun and the object stays for now. */
  markDeleted?(object: JsonObject): void;
  /** Something else than metadata.finalizers that keeps the object. */
  heldBack?(object: JsonObject): boolean;
  /** Called in the transaction when a deletion begins, before it is decided whether the object can go at once. */
  beginDelete?(object: ApiObject, scope: WriteScope): void;
  /** Called in the transaction after an object was removed. */
  afterRemove?(object: ApiObject, scope: WriteScope): void;
}

/** One resource that the API serves: an entry of the kinds' table, or made from a CustomResourceDefinition. */
export interface ResourceDefinition {
  readonly reference: ResourceReference;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** `group/resource` under which objects are stored; two resources may share one. */
  readonly storageKey: string;
  readonly schema: ObjectSchema;
  readonly strategy: KindStrategy;
  /** Beyond status and scale, which the strategy declares. */
  readonly subresources: readonly string[];
  readonly columns: readonly TableColumn[];
  /** The built-in type's name, or the custom resource's schema, for OpenAPI. */
  readonly openApi: { readonly typeName: string } | { readonly schema: JsonObject };
  readonly isCustom: boolean;
  /** Told to every client that uses the resource. */
  readonly deprecation?: string;
  /** Told to every client that writes the resource: what is kept, but nobody does. */
  readonly withoutEffect?: string;
  /** For a resource that shares another's storage under a different form. `previous` is as it is stored. */
  readonly conversion?: {
    toStored(object: ApiObject, previous?: ApiObject): ApiObject;
    fromStored(object: ApiObject): ApiObject;
  };
}
