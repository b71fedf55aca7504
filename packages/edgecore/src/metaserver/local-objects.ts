import type { KubernetesObject } from "@skerry/api";
import { type Clock, describeError, Listeners, type Logger } from "@skerry/base";
import { compareResourceVersions } from "@skerry/kube";
import type { Database, Reader, Transaction } from "@skerry/store";
import type { MetaStore } from "../metamanager/index.ts";
import { type ApiResource, resourceText } from "./api-path.ts";
import {
  deletionFloor,
  forgetObject,
  forgetResource,
  type KnownScope,
  type ListAnswer,
  readDeletions,
  readObject,
  readObjects,
  readScopes,
  removeObject,
  type StoredChange,
  storeList,
  storeObject,
  versionOf,
  withVersion,
} from "./object-table.ts";
import { covers, type Scope } from "./scope.ts";

/** Something about the object of that name has changed. */
export interface LocalChange {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** As it was; undefined when it is new. */
  readonly before: KubernetesObject | undefined;
}

/** What may be kept; beyond it whole kinds are forgotten, those first that nobody has asked for the longest. */
export interface LocalLimits {
  readonly maximumObjects: number;
  readonly maximumLength: number;
}

export const defaultLocalLimits: LocalLimits = { maximumObjects: 5_000, maximumLength: 16 * 1024 * 1024 };

export interface LocalObjectsPorts {
  readonly database: Database;
  readonly meta: MetaStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether somebody watches the kind just now. */
  readonly isWatched: (resource: string) => boolean;
}

/** What MetaManager holds for this node's own work, by kind. */
const HELD_TYPES: Readonly<Record<string, string>> = {
  "/v1/pods": "pod",
  "/v1/configmaps": "configmap",
  "/v1/secrets": "secret",
  "/v1/nodes": "node",
  "devices.kubeedge.io/v1beta1/devices": "device",
  "devices.kubeedge.io/v1beta1/devicemodels": "devicemodel",
};
const RESOURCES_OF_TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(HELD_TYPES).map(([resource, type]) => [type, resource]),
);
const CLUSTER_SCOPE = "null";

/**
 * All objects that this node knows: what its applications asked the cloud for, and what MetaManager holds for its own
 * work. Of an object that both have, the newer one counts.
 */
export class LocalObjects implements Disposable {
  readonly #ports: LocalObjectsPorts;
  readonly #limits: LocalLimits;
  readonly #listeners: Listeners<LocalChange>;
  readonly #lost: Listeners<string>;
  readonly #registration: Disposable;
  /** When each kind was last asked for; the order is that of use. */
  readonly #used = new Map<string, true>();
  #evictedCount = 0;
  /** Stored since it was last looked whether there is too much. */
  #uncheckedObjects = 0;
  #uncheckedLength = 0;

  constructor(ports: LocalObjectsPorts, limits: LocalLimits = defaultLocalLimits) {
    this.#ports = ports;
    this.#limits = limits;
    const onError = (error: unknown): void =>
      ports.logger.error("A listener of local objects failed", { error: describeError(error) });
    this.#listeners = new Listeners(onError);
    this.#lost = new Listeners(onError);
    this.#registration = ports.meta.onChange(({ kind, key, object }) => {
      const resource = RESOURCES_OF_TYPES.get(key.type);
      if (resource === undefined) return;
      const namespace = key.namespace === CLUSTER_SCOPE ? "" : key.namespace;
      // Only of a pod the cloud says that it is gone; everything else may just not be needed here any more.
      if (kind === "deleted" && key.type === "pod") void this.#forgetPod(object);
      this.#listeners.emit({ resource, namespace, name: key.name, before: kind === "deleted" ? object : undefined });
    });
  }

  /** Kinds that were forgotten because too much was kept. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Called after the commit. */
  onChange(listener: (change: LocalChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Called with the kind when what is known of it was forgotten, so that no watch of it can go on. */
  onLost(listener: (resource: string) => void): Disposable {
    return this.#lost.add(listener);
  }

  get(resource: ApiResource, namespace: string, name: string): KubernetesObject | undefined {
    const asked = this.#ports.database.read((reader) => readObject(reader, resource, namespace, name));
    const type = HELD_TYPES[resourceText(resource)];
    const held = type && this.#ports.meta.get({ type, namespace: namespace || CLUSTER_SCOPE, name });
    return newerOf(asked, held || undefined);
  }

  /** By namespace and name; with an empty namespace those of all. */
  list(resource: ApiResource, namespace: string): KubernetesObject[] {
    const found = new Map<string, KubernetesObject>();
    const add = (object: KubernetesObject): void => {
      const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
      const newer = newerOf(found.get(key), object);
      if (newer) found.set(key, newer);
    };
    for (const object of this.#ports.database.read((reader) => readObjects(reader, resource, namespace))) add(object);
    const type = HELD_TYPES[resourceText(resource)];
    for (const object of type === undefined ? [] : this.#ports.meta.list(type))
      if (namespace === "" || object.metadata.namespace === namespace) add(object);
    return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
  }

  /** Deletions after that version, oldest first; undefined when some of them may not be known. */
  deletionsAfter(scope: Scope, version: string): KubernetesObject[] | undefined {
    return this.#ports.database.read((reader) => {
      const floor = deletionFloor(reader);
      if (floor !== undefined && compareResourceVersions(version, floor) < 0) return undefined;
      const known = this.#coverage(reader, scope);
      if (known && compareResourceVersions(version, known.firstVersion) < 0) return undefined;
      return readDeletions(reader, scope.resource)
        .filter((deletion) => compareResourceVersions(deletion.version, version) > 0)
        .map(({ object, version: deletedIn }) => withVersion(object, deletedIn));
    });
  }

  /** The complete list that says most of the scope; undefined when none has. */
  coverage(scope: Scope): KnownScope | undefined {
    return this.#ports.database.read((reader) => this.#coverage(reader, scope));
  }

  /** Notes that somebody asks for the kind. */
  touch(resource: ApiResource): void {
    const text = resourceText(resource);
    this.#used.delete(text);
    this.#used.set(text, true);
  }

  /**
   * Takes over a list of the cloud. `known`: what the scope's version was when the cloud was asked. False: it is more
   * than this node keeps of one kind.
   */
  async storeList(scope: Scope, answer: ListAnswer, known: KnownScope | undefined): Promise<boolean> {
    const { maximumObjects, maximumLength } = this.#limits;
    if (answer.items.length > maximumObjects / 2 || answer.length > maximumLength / 2) return false;
    const nowMs = this.#ports.clock.now();
    const wentBack = known !== undefined && compareResourceVersions(answer.version, known.version) < 0;
    if (wentBack) {
      this.#ports.logger.warn("The cluster was restored from an older state; what was kept of it is forgotten", {
        seen: known.version,
        now: answer.version,
      });
      await this.forgetAll();
    }
    await this.#apply((transaction) => storeList(transaction, scope, answer, nowMs));
    return true;
  }

  async store(resource: ApiResource, objects: readonly KubernetesObject[]): Promise<void> {
    await this.#apply((transaction) => objects.flatMap((object) => storeObject(transaction, resource, object)));
  }

  /** `version` is that of the deletion. */
  async remove(resource: ApiResource, object: KubernetesObject, version: string): Promise<void> {
    await this.#apply((transaction) => removeObject(transaction, resource, object, version));
  }

  /** The cloud has no object of that name (any more). */
  async forget(resource: ApiResource, namespace: string, name: string): Promise<void> {
    await this.#apply((transaction) => {
      const before = readObject(transaction, resource, namespace, name);
      return before ? forgetObject(transaction, resource, before) : [];
    });
  }

  /** Forgets everything that was asked for. */
  async forgetAll(): Promise<void> {
    const { database } = this.#ports;
    const resources = database
      .read((reader) => reader.all("SELECT resource FROM api_scope UNION SELECT resource FROM api_object"))
      .map((row) => String(row["resource"]));
    await database.transaction((transaction) => {
      for (const resource of resources) forgetResource(transaction, resource);
    });
    for (const resource of resources) this.#lost.emit(resource);
  }

  [Symbol.dispose](): void {
    this.#registration[Symbol.dispose]();
  }

  #coverage(reader: Reader, scope: Scope): KnownScope | undefined {
    return readScopes(reader, scope.resource)
      .filter((known) => covers(known.scope, scope))
      .reduce<KnownScope | undefined>(
        (best, known) => (best && compareResourceVersions(best.version, known.version) >= 0 ? best : known),
        undefined,
      );
  }

  async #forgetPod(pod: KubernetesObject): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    const resource = { group: "", version: "v1", resource: "pods" };
    const stored = this.#ports.database.read((reader) => readObject(reader, resource, namespace, name));
    if (stored?.metadata.uid === uid && stored) await this.forget(resource, namespace, name).catch(() => undefined);
  }

  /** Runs a change and tells of it after its commit. */
  async #apply(work: (transaction: Transaction) => StoredChange[]): Promise<void> {
    const { database } = this.#ports;
    const changes = await database.transaction(work);
    for (const { resource, namespace, name, before, length } of changes) {
      this.#uncheckedObjects++;
      this.#uncheckedLength += length;
      this.#listeners.emit({ resource: resourceText(resource), namespace, name, before });
    }
    const { maximumObjects, maximumLength } = this.#limits;
    // To count it all is too much work for each change.
    if (this.#uncheckedObjects <= maximumObjects / 50 && this.#uncheckedLength <= maximumLength / 50) return;
    this.#uncheckedObjects = 0;
    this.#uncheckedLength = 0;
    await this.#evict();
  }

  /** Keeps within the limits. */
  async #evict(): Promise<void> {
    const { database, isWatched, logger } = this.#ports;
    const kept = database.read((reader) =>
      reader.all(
        "SELECT resource, COUNT(*) AS objects, SUM(LENGTH(value)) AS length FROM api_object GROUP BY resource",
      ),
    );
    let objects = kept.reduce((sum, row) => sum + Number(row["objects"]), 0);
    let length = kept.reduce((sum, row) => sum + Number(row["length"]), 0);
    const order = [...this.#used.keys()];
    const rank = (resource: string): number => (isWatched(resource) ? order.length + 1 : 0) + order.indexOf(resource);
    const candidates = kept.toSorted((a, b) => rank(String(a["resource"])) - rank(String(b["resource"])));
    for (const row of candidates) {
      if (objects <= this.#limits.maximumObjects && length <= this.#limits.maximumLength) return;
      const resource = String(row["resource"]);
      await database.transaction((transaction) => forgetResource(transaction, resource));
      objects -= Number(row["objects"]);
      length -= Number(row["length"]);
      this.#evictedCount++;
      logger.warn("Too much is kept for applications of this node; a kind is forgotten", { resource, ...this.#limits });
      this.#lost.emit(resource);
    }
  }
}

function newerOf(a: KubernetesObject | undefined, b: KubernetesObject | undefined): KubernetesObject | undefined {
  if (!a || !b) return a ?? b;
  return compareResourceVersions(versionOf(a), versionOf(b)) >= 0 ? a : b;
}
