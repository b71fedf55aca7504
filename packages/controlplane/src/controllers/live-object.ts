import type { KubernetesObject } from "@skerry/api";
import { isApiError, type KubernetesApi, type ObjectTarget } from "@skerry/kube";

/** The object as the API server itself has it now, since a cache may lag behind; undefined when there is none. */
export async function liveObject<T extends KubernetesObject>(
  api: KubernetesApi,
  target: ObjectTarget,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await api.get<T>(target, signal);
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}
