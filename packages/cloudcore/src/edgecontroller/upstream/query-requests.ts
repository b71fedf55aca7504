import {
  configMaps,
  type KubernetesObject,
  persistentVolumeClaims,
  persistentVolumes,
  type ResourceReference,
  secrets,
  volumeAttachments,
} from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { versionOf } from "./node-requests.ts";
import { toJson } from "./object-response.ts";
import { forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

/** What {@link queryRequests} needs. */
export interface QueryRequestOptions {
  readonly api: KubernetesApi;
  /** A node was given a claim; it may then read the volume that the claim is bound to. */
  readonly onClaimRead: (nodeName: string, volumeName: string) => void;
  /** A node is about to be given the object; the answer goes out when this resolves. */
  readonly beforeAnswer: (nodeName: string, resource: ResourceReference, object: KubernetesObject) => Promise<void>;
}

/**
 * Queries answered with the bare object: U13-U16. Read from the API server, not from a cache: a cache that lags could
 * answer an older version than the node already has.
 */
export function queryRequests(options: QueryRequestOptions): Record<string, RequestHandler> {
  const query = async (resource: ResourceReference, request: UpstreamRequest): Promise<KubernetesObject> => {
    const namespace = resource.namespaced ? { namespace: request.namespace } : {};
    const object = await options.api.get<KubernetesObject>({ resource, ...namespace, name: request.name });
    await options.beforeAnswer(request.nodeName, resource, object);
    request.reply(toJson(object), versionOf(object));
    return object;
  };
  return {
    "configmap query": async (request) => void (await query(configMaps, request)),
    "secret query": async (request) => void (await query(secrets, request)),
    "persistentvolume query": async (request) => void (await query(persistentVolumes, request)),
    "persistentvolumeclaim query": async (request) => {
      const claim = await query(persistentVolumeClaims, request);
      const spec = "spec" in claim ? claim.spec : undefined;
      const volumeName = isJsonObject(spec) ? spec["volumeName"] : undefined;
      if (typeof volumeName === "string") options.onClaimRead(request.nodeName, volumeName);
    },
    // The attachment itself says whose it is.
    "volumeattachment query": async ({ nodeName, name, reply }) => {
      const attachment = await options.api.get<KubernetesObject>({ resource: volumeAttachments, name });
      const spec = "spec" in attachment ? attachment.spec : undefined;
      if (!isJsonObject(spec) || spec["nodeName"] !== nodeName)
        throw forbidden(nodeName, `has no attachment "${name}"`);
      reply(toJson(attachment), versionOf(attachment));
    },
  };
}
