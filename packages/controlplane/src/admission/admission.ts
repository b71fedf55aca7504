import type { ApiObject } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";
import type { ResourceCatalog } from "../registry/resource-catalog.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { deviceErrors } from "./devices.ts";
import { admitLimitRanges } from "./limit-ranges.ts";
import { admitNamespaceDeletion, requireLiveNamespace } from "./namespace-lifecycle.ts";
import { restrictNodeCreate, restrictNodeDelete, restrictNodeUpdate } from "./node-restriction.ts";
import { admitPriority } from "./priority.ts";
import { ResourceQuotas } from "./quota/resource-quotas.ts";
import { admitServiceAccount } from "./service-account.ts";
import { admitResize, admitStorage } from "./storage.ts";
import { addDefaultTolerations } from "./tolerations.ts";

/** Rules that look beyond the object itself, applied within the write's transaction. */
export class Admission {
  readonly #quotas: ResourceQuotas;

  constructor(catalog: ResourceCatalog) {
    this.#quotas = new ResourceQuotas(catalog);
  }

  /** Fills in and checks a new object. @throws ApiError Forbidden, NotFound */
  admitCreate(definition: ResourceDefinition, object: ApiObject, scope: WriteScope): void {
    requireLiveNamespace(definition, object, scope);
    admitLimitRanges(definition, object, scope);
    admitStorage(definition, object, scope);
    const isPod = definition.storageKey === "/pods";
    if (isPod) admitServiceAccount(definition, object, scope);
    restrictNodeCreate(definition, object, scope);
    if (!isPod) return;
    addDefaultTolerations(object);
    admitPriority(definition, object, scope);
  }

  /** Looks at a change of an object, also through a subresource, and at who makes it. @throws ApiError Forbidden */
  admitUpdate(
    definition: ResourceDefinition,
    change: { readonly next: ApiObject; readonly previous: ApiObject; readonly subresource: string },
    scope: WriteScope,
  ): void {
    restrictNodeUpdate(definition, change, scope);
    admitResize(definition, change.next, change.previous, scope);
  }

  /** What is wrong with an object in view of others; `previous` is undefined for a new one. */
  validate(
    definition: ResourceDefinition,
    object: ApiObject,
    previous: ApiObject | undefined,
    scope: WriteScope,
  ): FieldError[] {
    return deviceErrors(definition, object, previous, scope);
  }

  /**
   * The last word on a checked write, and what else it changes; before or after is undefined for an object that is
   * created or removed. @throws ApiError Forbidden
   */
  settle(
    definition: ResourceDefinition,
    before: ApiObject | undefined,
    after: ApiObject | undefined,
    scope: WriteScope,
  ): void {
    this.#quotas.charge(definition, before, after, scope);
  }

  /** @throws ApiError Forbidden */
  admitDelete(definition: ResourceDefinition, object: ApiObject, scope: WriteScope): void {
    admitNamespaceDeletion(definition, object);
    restrictNodeDelete(definition, object, scope);
  }
}
