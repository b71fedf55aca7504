import {
  configMaps,
  type KubernetesObject,
  persistentVolumeClaims,
  persistentVolumes,
  type ResourceReference,
  secrets,
} from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { versionOf } from "./node-requests.ts";
import { toJson } from "./object-response.ts";
import type { RequestHandler } from "./request.ts";

/**
 * Queries answered with the bare object: U13-U15. Read from the API server, not from a cache: a cache that lags could
 * answer an older version than the node already has.
 */
export function queryRequests(api: KubernetesApi): Record<string, RequestHandler> {
  const query =
    (resource: ResourceReference): RequestHandler =>
    async (request) => {
      const object = await api.get<KubernetesObject>({
        resource,
        ...(resource.namespaced ? { namespace: request.namespace } : {}),
        name: request.name,
      });
      request.reply(toJson(object), versionOf(object));
    };
  return {
    "configmap query": query(configMaps),
    "secret query": query(secrets),
    "persistentvolume query": query(persistentVolumes),
    "persistentvolumeclaim query": query(persistentVolumeClaims),
  };
}
