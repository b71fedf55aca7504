import type { Quantity } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { type Amounts, addTo, jsonEqual, quantityToNano } from "@skerry/kube";
import { trackUpdate } from "../../fieldmanager/field-manager.ts";
import { type ApiObject, asJsonObject, objectAt, objectsIn, textAt } from "../../registry/api-object.ts";
import { fieldWriteOf } from "../../registry/field-tracking.ts";
import { systemContext } from "../../registry/request-context.ts";
import type { ResourceCatalog } from "../../registry/resource-catalog.ts";
import type { ResourceDefinition, WriteScope } from "../../registry/resource-definition.ts";
import { forbidden } from "../../registry/status-errors.ts";
import type { StoreSession } from "../../registry/store-session.ts";
import { matchesScopes } from "./quota-scopes.ts";
import { amountText, isOverdue, storageKeyOf, usageOf } from "./resource-usage.ts";

const QUOTAS = "/resourcequotas";
/** Kinds of which an object may come to use more or less without being created or removed. */
const VARIABLE: ReadonlySet<string> = new Set(["/pods", "/services", "/persistentvolumeclaims", QUOTAS]);
/** When a quota limits one of these, each container must say how much of it it wants. */
const MUST_BE_GIVEN: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);

/**
 * Holds namespaces to their ResourceQuotas. What is used is counted in the transaction of the very write that changes
 * it, so it is exact at any moment: Kubernetes' own controller counts later, and two writes may slip through together.
 */
export class ResourceQuotas {
  readonly #catalog: ResourceCatalog;

  constructor(catalog: ResourceCatalog) {
    this.#catalog = catalog;
  }

  /**
   * Counts a write about to be done; before or after is undefined for an object that is created or removed. A quota
   * that is written itself gets its status in place.
   * @throws ApiError Forbidden when a quota does not allow it
   */
  charge(
    definition: ResourceDefinition,
    before: ApiObject | undefined,
    after: ApiObject | undefined,
    scope: WriteScope,
  ): void {
    const object = after ?? before;
    if (!definition.reference.namespaced || object === undefined) return;
    const { storageKey } = definition;
    if (before && after && !VARIABLE.has(storageKey)) return;
    for (const quota of scope.session.list(QUOTAS, object.metadata.namespace ?? "")) {
      if (storageKey !== QUOTAS || quota.metadata.name !== object.metadata.name)
        this.#chargeOne(quota, definition, before, after, scope);
    }
    if (storageKey === QUOTAS && after && !isSameSpec(before, after))
      this.#setUsed(after, countAnew(after, scope), scope);
  }

  #chargeOne(
    quota: ApiObject,
    definition: ResourceDefinition,
    before: ApiObject | undefined,
    after: ApiObject | undefined,
    scope: WriteScope,
  ): void {
    const { storageKey } = definition;
    const usage = (object: ApiObject | undefined): Amounts =>
      object && matchesScopes(quota, storageKey, object)
        ? usageOf(storageKey, object, scope.clock.now())
        : new Map<string, bigint>();
    const [less, more] = [usage(before), usage(after)];
    const hard = hardOf(quota);
    const delta = new Map(
      [...hard.keys()].flatMap((name): [string, bigint][] => {
        const change = (more.get(name) ?? 0n) - (less.get(name) ?? 0n);
        return change === 0n ? [] : [[name, change]];
      }),
    );
    if (!before && after && more.size > 0) requireAmounts(quota, definition, after, hard);
    const wasOverdue = before !== undefined && isOverdue(before, scope.clock.now());
    if (delta.size === 0 && !wasOverdue) return;
    // A pod that is overdue no longer counts though nothing was written: then, and before it refuses, it counts anew.
    let used = (wasOverdue ? undefined : usedOf(quota)) ?? countAnew(quota, scope);
    if (exceeded(delta, used, hard).length > 0) used = countAnew(quota, scope);
    const over = exceeded(delta, used, hard);
    if (over.length > 0 && after) throw refusal(quota, definition, after, over, { delta, used, hard });
    const next = new Map(used);
    addTo(next, delta);
    const { status } = structuredClone(asJsonObject(quota));
    this.#setUsed(quota, next, scope);
    if (jsonEqual(status, asJsonObject(quota)["status"])) return;
    const { namespace = "", name } = quota.metadata;
    scope.session.put({ resource: QUOTAS, namespace, name }, quota);
  }

  /** Writes what is used into a quota's status. */
  #setUsed(quota: ApiObject, used: Amounts, { clock }: WriteScope): void {
    const json = asJsonObject(quota);
    const before: JsonObject = { ...json, status: json["status"] ?? {} };
    const hard = hardOf(quota);
    json["status"] = {
      hard: Object.fromEntries([...hard].map(([name, amount]) => [name, amountText(name, amount)])),
      used: Object.fromEntries(
        [...hard.keys()].map((name) => [name, amountText(name, notNegative(used.get(name) ?? 0n))]),
      ),
    };
    const definition = this.#catalog.find("", "v1", "resourcequotas");
    if (definition) trackUpdate(fieldWriteOf(systemContext(), definition, "status", clock), before, json);
  }
}

/** What all objects of the quota's namespace use together, as they are stored. */
function countAnew(quota: ApiObject, { session, clock }: WriteScope): Amounts {
  const { namespace = "" } = quota.metadata;
  const keys = new Set([...hardOf(quota).keys()].map(storageKeyOf).filter((key) => key !== ""));
  const total = new Map<string, bigint>();
  for (const key of keys)
    for (const object of listed(session, key, namespace, quota))
      if (matchesScopes(quota, key, object)) addTo(total, usageOf(key, object, clock.now()));
  return total;
}

/** The stored objects; of quotas also the one that is just being made. */
function listed(session: StoreSession, key: string, namespace: string, quota: ApiObject): ApiObject[] {
  const objects = session.list(key, namespace);
  const isMissing = key === QUOTAS && !objects.some(({ metadata }) => metadata.name === quota.metadata.name);
  return isMissing ? [...objects, quota] : objects;
}

function hardOf(quota: ApiObject): Amounts {
  return amountsAt(objectAt(objectAt(asJsonObject(quota), "spec"), "hard"));
}

/** What the status says; undefined when it does not speak of everything that is limited now. */
function usedOf(quota: ApiObject): Amounts | undefined {
  const used = amountsAt(objectAt(objectAt(asJsonObject(quota), "status"), "used"));
  return [...hardOf(quota).keys()].every((name) => used.has(name)) ? used : undefined;
}

function amountsAt(quantities: JsonObject): Amounts {
  return new Map(Object.entries(quantities).map(([name, quantity]) => [name, quantityToNano(quantity as Quantity)]));
}

/** Names of the resources of which the write wants more than is left. */
function exceeded(delta: Amounts, used: Amounts, hard: Amounts): string[] {
  return [...delta]
    .filter(([name, change]) => change > 0n && (used.get(name) ?? 0n) + change > (hard.get(name) ?? 0n))
    .map(([name]) => name)
    .sort();
}

function refusal(
  quota: ApiObject,
  definition: ResourceDefinition,
  object: ApiObject,
  names: readonly string[],
  { delta, used, hard }: { readonly delta: Amounts; readonly used: Amounts; readonly hard: Amounts },
): Error {
  const texts = (amounts: Amounts): string =>
    names.map((name) => `${name}=${amountText(name, amounts.get(name) ?? 0n)}`).join(",");
  return forbidden(
    definition.reference,
    object.metadata.name,
    `exceeded quota: ${quota.metadata.name}, requested: ${texts(delta)}, used: ${texts(used)}, limited: ${texts(hard)}`,
  );
}

/** @throws ApiError Forbidden when a container does not say how much it wants of what the quota limits */
function requireAmounts(quota: ApiObject, definition: ResourceDefinition, object: ApiObject, hard: Amounts): void {
  if (definition.storageKey !== "/pods") return;
  const spec = objectAt(asJsonObject(object), "spec");
  const containers = [...objectsIn(spec["containers"]), ...objectsIn(spec["initContainers"])];
  const missing = [...hard.keys()]
    .filter((name) => MUST_BE_GIVEN.has(name))
    .sort()
    .flatMap((name) => {
      const [member = "requests", resource = name] = name.includes(".") ? name.split(".") : ["requests", name];
      const without = containers.filter(
        (container) => objectAt(objectAt(container, "resources"), member)[resource] === undefined,
      );
      const names = without.map((container) => textAt(container, "name")).sort();
      return names.length === 0 ? [] : [`${name} for: ${names.join(",")}`];
    });
  if (missing.length > 0)
    throw forbidden(
      definition.reference,
      object.metadata.name,
      `failed quota: ${quota.metadata.name}: must specify ${missing.join("; ")}`,
    );
}

function isSameSpec(before: ApiObject | undefined, after: ApiObject): boolean {
  return before !== undefined && jsonEqual(asJsonObject(before)["spec"], asJsonObject(after)["spec"]);
}

function notNegative(amount: bigint): bigint {
  return amount < 0n ? 0n : amount;
}
