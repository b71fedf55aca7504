import { type KubernetesObject, namespaces, type ObjectMeta, secrets } from "@skerry/api";
import { fromBase64, toBase64 } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

/** Where KubeEdge keeps CloudCore's secrets (security.md 4.1). */
export const SYSTEM_NAMESPACE = "kubeedge";

interface Secret extends KubernetesObject {
  metadata: ObjectMeta;
  type?: string;
  data?: Record<string, string>;
}

/** A Secret's values as bytes, and its version. */
export interface StoredSecret {
  readonly data: Readonly<Record<string, Uint8Array>>;
  readonly resourceVersion: string;
}

/** CloudCore's own Secrets. */
export class SecretStore {
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  /** The Secret; undefined when there is none. @throws ApiError */
  async read(name: string, signal?: AbortSignal): Promise<StoredSecret | undefined> {
    try {
      const target = { resource: secrets, namespace: SYSTEM_NAMESPACE, name };
      const secret = await this.#api.get<Secret>(target, signal);
      const data = Object.entries(secret.data ?? {}).map(([key, value]) => [key, fromBase64(value)]);
      return { data: Object.fromEntries(data), resourceVersion: secret.metadata.resourceVersion ?? "" };
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /**
   * Creates the Secret, with its namespace when that is missing; returns false when another CloudCore was first.
   * @throws ApiError
   */
  async create(name: string, data: Readonly<Record<string, Uint8Array>>, signal?: AbortSignal): Promise<boolean> {
    const options = signal ? { signal } : {};
    try {
      await this.#api.create({ resource: secrets, namespace: SYSTEM_NAMESPACE }, secretOf(name, data), options);
      return true;
    } catch (error) {
      if (isApiError(error, "AlreadyExists")) return false;
      if (!isApiError(error, "NotFound")) throw error;
    }
    await this.#createNamespace(signal);
    try {
      await this.#api.create({ resource: secrets, namespace: SYSTEM_NAMESPACE }, secretOf(name, data), options);
      return true;
    } catch (error) {
      if (isApiError(error, "AlreadyExists")) return false;
      throw error;
    }
  }

  /** Replaces the Secret if it still has this version; returns whether it had. @throws ApiError */
  async replace(
    name: string,
    data: Readonly<Record<string, Uint8Array>>,
    resourceVersion: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    try {
      const target = { resource: secrets, namespace: SYSTEM_NAMESPACE, name };
      await this.#api.update(target, secretOf(name, data, resourceVersion), signal ? { signal } : {});
      return true;
    } catch (error) {
      if (isApiError(error, "Conflict") || isApiError(error, "NotFound")) return false;
      throw error;
    }
  }

  async #createNamespace(signal?: AbortSignal): Promise<void> {
    try {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM_NAMESPACE } };
      await this.#api.create({ resource: namespaces }, namespace, signal ? { signal } : {});
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
  }
}

function secretOf(name: string, data: Readonly<Record<string, Uint8Array>>, resourceVersion?: string): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: SYSTEM_NAMESPACE, ...(resourceVersion ? { resourceVersion } : {}) },
    type: "Opaque",
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toBase64(value)])),
  };
}
