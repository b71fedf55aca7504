import { apiVersionOf, type KubernetesObject, type ObjectList, type ResourceReference, type Status } from "@skerry/api";
import { throwIfAborted, toKubernetesTime } from "@skerry/base";
import { ApiError, failureStatus } from "../api-error.ts";
import type {
  CollectionTarget,
  DeleteOptions,
  KubernetesApi,
  ListOptions,
  ObjectTarget,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../kubernetes-api.ts";
import { applyPatch } from "../patches/apply-patch.ts";
import { jsonEqual } from "../patches/json-merge-patch.ts";
import { asJson } from "../patches/json-tree.ts";
import { compareResourceVersions } from "../resource-version.ts";
import { type Change, ChangeLog, collectionOf, selects } from "./change-log.ts";
import { boundPod, mergedUpdate, newObject } from "./object-rules.ts";

/** What a {@link MemoryKubernetesApi} needs from its world. */
export interface MemoryKubernetesApiOptions {
  /** Hears of each committed change, at once. */
  readonly onCommit?: (change: Change) => void;
  /** Wall clock for timestamps. @default always the epoch */
  readonly now?: () => number;
}

/**
 * A small, honest Kubernetes API in memory, for tests and as the truth behind the simulation's lying one: one global
 * revision, conflicts, selectors, patches, watches from a version with 410 after compaction, finalizers, graceful
 * deletion of pods, the status and binding subresources. No defaulting, no validation, no admission. It starts no
 * timers, and everything happens in the order of the calls.
 */
export class MemoryKubernetesApi implements KubernetesApi {
  readonly #collections = new Map<string, Map<string, KubernetesObject>>();
  readonly #log: ChangeLog;
  readonly #now: () => number;
  #revision = 0;
  #created = 0;
  #backup:
    | { readonly revision: number; readonly collections: ReadonlyMap<string, ReadonlyMap<string, KubernetesObject>> }
    | undefined;

  constructor(options: MemoryKubernetesApiOptions = {}) {
    this.#now = options.now ?? (() => 0);
    this.#log = new ChangeLog(options.onCommit);
  }

  /** The newest resourceVersion. */
  get resourceVersion(): string {
    return String(this.#revision);
  }

  /** Forgets history: a watch from before now gets 410. */
  compact(): void {
    this.#log.compact(this.#revision);
  }

  /** Ends all open watches normally. */
  closeWatches(): void {
    this.#log.closeWatches();
  }

  /** Sends a bookmark to each open watch that allows them. */
  sendBookmarks(): void {
    this.#log.sendBookmarks();
  }

  /** Keeps a copy of everything as it is now. Then the versions go on so much further, as if much else were written. */
  backUp(versionsPassed: number): void {
    this.#backup = { revision: this.#revision, collections: copyOf(this.#collections) };
    this.#revision += versionsPassed;
  }

  /**
   * The server starts anew with what was there at the backup, its revision included; UIDs given since are not given again.
   * False when there is no backup; a backup serves once.
   */
  restore(): boolean {
    if (!this.#backup) return false;
    this.#log.restart(this.#backup.revision);
    this.#revision = this.#backup.revision;
    this.#collections.clear();
    for (const [name, objects] of this.#backup.collections) this.#collections.set(name, new Map(objects));
    this.#backup = undefined;
    return true;
  }

  async get<T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal);
    return structuredClone(this.#stored(target)) as T;
  }

  async list<T extends KubernetesObject>(target: CollectionTarget, options: ListOptions = {}): Promise<ObjectList<T>> {
    throwIfAborted(options.signal);
    const all = [...this.#collection(target).entries()]
      .filter(([, object]) => selects(target, options)(object))
      .sort(([left], [right]) => (left < right ? -1 : 1));
    const from = options.continue === undefined ? all : all.filter(([key]) => key > (options.continue ?? ""));
    const page = from.slice(0, options.limit || undefined);
    const last = page.at(-1);
    const more = from.length - page.length;
    return {
      apiVersion: apiVersionOf(target.resource),
      kind: `${target.resource.kind}List`,
      metadata: {
        resourceVersion: this.resourceVersion,
        ...(more > 0 && last ? { continue: last[0], remainingItemCount: more } : {}),
      },
      items: page.map(([, object]) => structuredClone(object) as T),
    };
  }

  watch<T extends KubernetesObject>(target: CollectionTarget, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#log.watch(target, options, () => this.#revision) as AsyncIterable<WatchEvent<T>>;
  }

  async create<T extends KubernetesObject>(
    target: CollectionTarget,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    throwIfAborted(options.signal);
    this.#created++;
    const created = newObject(target, object, this.#created, this.#now());
    const { resource } = target;
    if (this.#collection(target).has(keyOf(created)))
      throw failure(409, "AlreadyExists", resource, created.metadata.name, "already exists");
    if (options.dryRun) return created as T;
    return this.#commit(target, undefined, created) as T;
  }

  async createSubresource<T extends KubernetesObject>(
    target: ObjectTarget,
    object: KubernetesObject,
    options: WriteOptions = {},
  ): Promise<T> {
    throwIfAborted(options.signal);
    const stored = this.#stored(target);
    switch (target.subresource) {
      case "binding": {
        const bound = boundPod(stored, object, toKubernetesTime(this.#now()));
        if (!bound) throw failure(409, "Conflict", target.resource, target.name, "is already assigned to a node");
        this.#commit(target, stored, bound);
        return successStatus() as unknown as T;
      }
      case "eviction":
        await this.delete({ ...target, subresource: "" });
        return successStatus() as unknown as T;
      case "token":
        return {
          ...object,
          status: {
            token: `token-of-${target.namespace}-${target.name}-${this.#revision}`,
            expirationTimestamp: toKubernetesTime(this.#now() + 3_600_000),
          },
        } as unknown as T;
      default:
        throw failure(404, "NotFound", target.resource, target.name, "has no such subresource");
    }
  }

  async update<T extends KubernetesObject>(target: ObjectTarget, object: T, options: WriteOptions = {}): Promise<T> {
    throwIfAborted(options.signal);
    return this.#replace(target, this.#stored(target), object, options) as T;
  }

  async patch<T extends KubernetesObject>(target: ObjectTarget, patch: Patch, options: WriteOptions = {}): Promise<T> {
    throwIfAborted(options.signal);
    const stored = this.#stored(target);
    return this.#replace(target, stored, applyPatch(stored, patch), options) as T;
  }

  async delete(target: ObjectTarget, options: DeleteOptions = {}): Promise<KubernetesObject | Status> {
    throwIfAborted(options.signal);
    const stored = this.#stored(target);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== stored.metadata.uid)
      throw conflict(
        target,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`,
      );
    if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion)
      throw conflict(target, "Precondition failed: the object has been modified");
    const doomed = structuredClone(stored);
    if (options.propagationPolicy === "Foreground") addFinalizer(doomed, "foregroundDeletion");
    if (options.propagationPolicy === "Orphan") addFinalizer(doomed, "orphan");
    const graceSeconds = gracePeriodOf(doomed, options);
    const stays = graceSeconds > 0 || (doomed.metadata.finalizers ?? []).length > 0 || isLiveNamespace(doomed);
    if (!stays) {
      this.#commit(target, stored, undefined);
      return doomed;
    }
    const { metadata } = doomed;
    if (metadata.deletionTimestamp === undefined || graceSeconds < (metadata.deletionGracePeriodSeconds ?? 0)) {
      metadata.deletionTimestamp = toKubernetesTime(this.#now() + graceSeconds * 1000);
      metadata.deletionGracePeriodSeconds = graceSeconds;
      if (doomed.kind === "Namespace") asJson(doomed)["status"] = { phase: "Terminating" };
    }
    return this.#commit(target, stored, doomed);
  }

  #replace(
    target: ObjectTarget,
    stored: KubernetesObject,
    object: KubernetesObject,
    options: WriteOptions,
  ): KubernetesObject {
    const { resourceVersion, uid } = object.metadata;
    if (resourceVersion && compareResourceVersions(resourceVersion, stored.metadata.resourceVersion ?? "0") !== 0)
      throw conflict(
        target,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    if (uid !== undefined && uid !== stored.metadata.uid)
      throw conflict(
        target,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`,
      );
    const next = mergedUpdate(stored, object, target.subresource);
    if (options.dryRun) return next;
    const { metadata } = next;
    const finished =
      metadata.deletionTimestamp !== undefined &&
      (metadata.finalizers ?? []).length === 0 &&
      (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
      !isLiveNamespace(next);
    if (finished) {
      this.#commit(target, stored, undefined);
      return next;
    }
    if (jsonEqual(asJson(next), asJson(stored))) return structuredClone(stored);
    return this.#commit(target, stored, next);
  }

  /** Stores (or with `after` undefined removes) and tells the watches; answers a copy of what is stored. */
  #commit(
    target: CollectionTarget,
    before: KubernetesObject | undefined,
    after: KubernetesObject | undefined,
  ): KubernetesObject {
    this.#revision++;
    const objects = this.#collection(target);
    if (after) {
      const stored = structuredClone(after);
      stored.metadata.resourceVersion = this.resourceVersion;
      objects.set(keyOf(stored), stored);
      this.#log.append({ revision: this.#revision, collection: collectionOf(target), before, after: stored });
      return structuredClone(stored);
    }
    const gone = before ?? { apiVersion: "", kind: "", metadata: { name: "" } };
    objects.delete(keyOf(gone));
    this.#log.append({ revision: this.#revision, collection: collectionOf(target), before, after: undefined });
    return structuredClone(gone);
  }

  #stored(target: ObjectTarget): KubernetesObject {
    const object = this.#collection(target).get(`${target.namespace ?? ""}/${target.name}`);
    if (!object) throw failure(404, "NotFound", target.resource, target.name, "not found");
    return object;
  }

  #collection(target: CollectionTarget): Map<string, KubernetesObject> {
    const name = collectionOf(target);
    const existing = this.#collections.get(name);
    if (existing) return existing;
    const created = new Map<string, KubernetesObject>();
    this.#collections.set(name, created);
    return created;
  }
}

function copyOf(
  collections: ReadonlyMap<string, ReadonlyMap<string, KubernetesObject>>,
): Map<string, Map<string, KubernetesObject>> {
  // Stored objects are replaced, never changed.
  return new Map([...collections].map(([name, objects]) => [name, new Map(objects)]));
}

function keyOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

function addFinalizer(object: KubernetesObject, finalizer: string): void {
  object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), finalizer])];
}

/** Seconds a deleted object stays for its node's agent: only pods bound to a node have any. */
function gracePeriodOf(object: KubernetesObject, options: DeleteOptions): number {
  const spec = asJson(object)["spec"] as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  if (object.kind !== "Pod" || !spec?.nodeName) return 0;
  return options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
}

/** A namespace stays until its spec's finalizers are gone. */
function isLiveNamespace(object: KubernetesObject): boolean {
  const spec = asJson(object)["spec"] as { finalizers?: string[] } | undefined;
  return object.kind === "Namespace" && (spec?.finalizers ?? []).length > 0;
}

function failure(code: number, reason: string, resource: ResourceReference, name: string, what: string): ApiError {
  const type = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
  return new ApiError(
    failureStatus(code, reason, `${type} "${name}" ${what}`, {
      name,
      ...(resource.group ? { group: resource.group } : {}),
      kind: resource.resource,
    }),
  );
}

function conflict(target: ObjectTarget, what: string): ApiError {
  const { resource, name } = target;
  const type = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
  return new ApiError(
    failureStatus(409, "Conflict", `Operation cannot be fulfilled on ${type} "${name}": ${what}`, {
      name,
      ...(resource.group ? { group: resource.group } : {}),
      kind: resource.resource,
    }),
  );
}

function successStatus(): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}
