import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { asJson, isApiError, jsonEqual, type KubernetesApi } from "@skerry/kube";

/** An object whose status a controller writes. */
interface WithStatus extends KubernetesObject {
  readonly status?: object;
}

/**
 * Writes the status of a namespaced object when it is another than the object has.
 * @returns the object as it was stored; undefined when nothing was written, also because the object is gone
 * @throws ApiError also on a conflict: the work queue tries again with the newer version
 */
export async function writeStatus<T extends WithStatus>(
  api: KubernetesApi,
  resource: ResourceReference,
  object: T,
  status: NonNullable<T["status"]>,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (jsonEqual(asJson(status), asJson(object.status ?? {}))) return undefined;
  const { namespace = "", name } = object.metadata;
  try {
    const target = { resource, namespace, name, subresource: "status" };
    return await api.update<T>(target, { ...object, status }, { signal });
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}
