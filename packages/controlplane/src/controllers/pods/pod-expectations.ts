import type { Pod } from "@skerry/api";
import { compareResourceVersions } from "@skerry/kube";

/** What one ReplicaSet wrote and its pod cache has not shown yet. */
interface Pending {
  /** Pods by name: with the version that the API server confirmed, or undefined while nobody knows whether it exists. */
  readonly created: Map<string, string | undefined>;
  /** UIDs of pods deleted. */
  readonly deleted: Set<string>;
}

/**
 * Remembers what each ReplicaSet wrote until its lagging pod cache shows it, so that nothing is created or deleted
 * twice. Unlike counters with a time-out it knows the very pods: a creation that got no answer keeps its name, is tried
 * again under that name, and `AlreadyExists` then means that the first try was done.
 */
export class PodExpectations {
  readonly #pending = new Map<string, Pending>();

  /** A pod of this name is about to be created. */
  expectCreation(owner: string, name: string): void {
    this.#of(owner).created.set(name, undefined);
  }

  /** The pod of this name exists in this version; the cache will show it. */
  creationConfirmed(owner: string, name: string, resourceVersion: string): void {
    const created = this.#pending.get(owner)?.created;
    // When the cache was faster than the answer, there is nothing left to expect.
    if (created?.has(name)) created.set(name, resourceVersion);
  }

  /** No pod of this name will come. */
  creationRefused(owner: string, name: string): void {
    this.#pending.get(owner)?.created.delete(name);
    this.#tidy(owner);
  }

  /** The pod with this UID is about to be deleted. */
  expectDeletion(owner: string, uid: string): void {
    this.#of(owner).deleted.add(uid);
  }

  /** The API server refused to delete it. */
  deletionRefused(owner: string, uid: string): void {
    this.#pending.get(owner)?.deleted.delete(uid);
    this.#tidy(owner);
  }

  /** The cache shows this pod, or shows that it went. */
  observe(owner: string, pod: Pod, gone: boolean): void {
    const pending = this.#pending.get(owner);
    if (!pending) return;
    pending.created.delete(pod.metadata.name);
    if (gone || pod.metadata.deletionTimestamp !== undefined) pending.deleted.delete(pod.metadata.uid ?? "");
    this.#tidy(owner);
  }

  /** The cache is as new as this version: confirmed pods up to it that it never showed came and went unseen. */
  cacheReached(owner: string, resourceVersion: string): void {
    const pending = this.#pending.get(owner);
    for (const [name, version] of pending?.created ?? []) {
      if (version !== undefined && compareResourceVersions(version, resourceVersion) <= 0)
        pending?.created.delete(name);
    }
    this.#tidy(owner);
  }

  /** Names of pods that exist or may exist though the cache does not show them. */
  unseenCreations(owner: string): string[] {
    return [...(this.#pending.get(owner)?.created.keys() ?? [])];
  }

  /** Names of pods of which nobody knows whether they exist. */
  unconfirmedCreations(owner: string): string[] {
    return [...(this.#pending.get(owner)?.created ?? [])].flatMap(([name, version]) =>
      version === undefined ? [name] : [],
    );
  }

  /** Whether this pod is being deleted though the cache does not show it yet. */
  isBeingDeleted(owner: string, pod: Pod): boolean {
    return this.#pending.get(owner)?.deleted.has(pod.metadata.uid ?? "") ?? false;
  }

  /** The owner is gone. */
  forget(owner: string): void {
    this.#pending.delete(owner);
  }

  #of(owner: string): Pending {
    const existing = this.#pending.get(owner);
    if (existing) return existing;
    const created = { created: new Map<string, string | undefined>(), deleted: new Set<string>() };
    this.#pending.set(owner, created);
    return created;
  }

  #tidy(owner: string): void {
    const pending = this.#pending.get(owner);
    if (pending && pending.created.size === 0 && pending.deleted.size === 0) this.#pending.delete(owner);
  }
}
