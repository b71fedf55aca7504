import type { KubernetesObject } from "@skerry/api";
import { compareResourceVersions } from "@skerry/kube";

/**
 * Which version of an object's status a controller wrote last: as long as its cache shows an older one, it would decide
 * on what it has already counted.
 */
export class WrittenVersions {
  readonly #versions = new Map<string, string>();

  /** The controller wrote this. */
  wrote({ metadata }: KubernetesObject): void {
    this.#versions.set(metadata.uid ?? "", metadata.resourceVersion ?? "0");
  }

  /** Whether the object, as the cache shows it, is older than what the controller wrote. */
  isStale({ metadata }: KubernetesObject): boolean {
    const { uid = "", resourceVersion = "0" } = metadata;
    const written = this.#versions.get(uid);
    if (written === undefined) return false;
    if (compareResourceVersions(resourceVersion, written) < 0) return true;
    this.#versions.delete(uid);
    return false;
  }

  /** The object is gone. */
  forget({ metadata }: KubernetesObject): void {
    this.#versions.delete(metadata.uid ?? "");
  }
}
