import type { KubernetesObject, ResourceReference } from "@skerry/api";
import type { Clock } from "@skerry/base";
import { compareResourceVersions, isApiError, type KubernetesApi } from "@skerry/kube";
import { withoutManagedFields } from "../managed-fields.ts";

/** For so long a content that was read is good for the other nodes that need it. */
const KEPT_MS = 30_000;
/** Contents kept at once, and their characters together; the oldest are dropped first. */
const MAX_KEPT = 1_000;
const MAX_KEPT_LENGTH = 16 * 1024 * 1024;

interface KeptContent {
  readonly content: Promise<KubernetesObject | undefined>;
  readonly version: string;
  readonly untilMs: number;
  length: number;
}

/**
 * Reads the content of ConfigMaps and Secrets when it is to be sent. The caches hold their metadata only: a cluster has
 * many of them, large ones too, and a CloudCore needs few of them, each for a moment.
 */
export class ContentReader {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  /** By UID, the oldest first. */
  readonly #kept = new Map<string, KeptContent>();
  #length = 0;

  constructor(api: KubernetesApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /**
   * The object with its content, in the given version or a newer one; undefined when it is no longer there. An object
   * that many nodes need is read once.
   * @throws ApiError
   */
  async read(resource: ResourceReference, object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const { uid = "", resourceVersion = "0" } = object.metadata;
    this.#dropOld();
    const kept = this.#kept.get(uid);
    // Just this version: a newer one may be of before the cluster was restored from a backup.
    if (kept?.version === resourceVersion) return kept.content;
    const content = this.#get(resource, object);
    const entry: KeptContent = {
      content,
      version: resourceVersion,
      untilMs: this.#clock.monotonicMs() + KEPT_MS,
      length: 0,
    };
    this.#drop(uid);
    this.#kept.set(uid, entry);
    try {
      const found = await content;
      if (this.#kept.get(uid) !== entry) return found;
      if (found?.metadata.resourceVersion !== resourceVersion) this.#drop(uid);
      else {
        entry.length = lengthOf(found);
        this.#length += entry.length;
        this.#dropOld();
      }
      return found;
    } catch (error) {
      if (this.#kept.get(uid) === entry) this.#drop(uid);
      throw error;
    }
  }

  async #get(resource: ResourceReference, { metadata }: KubernetesObject): Promise<KubernetesObject | undefined> {
    const { name, namespace, uid, resourceVersion = "0" } = metadata;
    try {
      const found = await this.#api.get({ resource, name, ...(namespace ? { namespace } : {}) });
      const isIt =
        found.metadata.uid === uid &&
        compareResourceVersions(found.metadata.resourceVersion ?? "0", resourceVersion) >= 0;
      return isIt ? withoutManagedFields(found) : undefined;
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #dropOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [uid, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size <= MAX_KEPT && this.#length <= MAX_KEPT_LENGTH) break;
      this.#drop(uid);
    }
  }

  #drop(uid: string): void {
    this.#length -= this.#kept.get(uid)?.length ?? 0;
    this.#kept.delete(uid);
  }
}

/** The object without its content, for the caches. */
export function withoutContent<T extends KubernetesObject>(object: T): T {
  const { managedFields: _managedFields, annotations: _annotations, ...metadata } = object.metadata;
  const { apiVersion, kind } = object;
  return { apiVersion, kind, metadata } as T;
}

/** Characters of the values, about. */
function lengthOf(object: KubernetesObject | undefined): number {
  const { data = {}, binaryData = {} } = (object ?? {}) as Record<string, Record<string, string> | undefined>;
  return [...Object.values(data), ...Object.values(binaryData)].reduce((sum, value) => sum + value.length, 0);
}
