import type { Node } from "@skerry/api";
import { nodes } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { objectContent, patchContent } from "./content.ts";
import { type KubeletEndpoint, withKubeletEndpoint } from "./kubelet-endpoint.ts";
import { ownNodeMetadata } from "./node-metadata.ts";
import { errorResponse, objectResponse, toJson } from "./object-response.ts";
import { forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

/** What {@link nodeRequests} needs. */
export interface NodeRequestOptions {
  readonly api: KubernetesApi;
  /** Written to the Node as annotation `cloudcore`: where the node's session is. */
  readonly cloudCoreAddress?: string;
  /** Written into the Node's status; left out: the status stays as the node tells it. */
  readonly kubelet?: KubeletEndpoint;
  /** An EdgeCore has started: what it had stored may be gone. */
  readonly onRegistered: (nodeName: string) => void;
}

/** Requests on the node's own Node object: U4-U8. */
export function nodeRequests(options: NodeRequestOptions): Record<string, RequestHandler> {
  const { api, kubelet } = options;
  const led = (status: JsonValue, nodeName: string): JsonValue =>
    kubelet && isJsonObject(status) ? withKubeletEndpoint(status, nodeName, kubelet) : status;
  const target = (request: UpstreamRequest): { resource: typeof nodes; name: string } => {
    if (request.name !== request.nodeName) throw forbidden(request.nodeName, `may not touch node "${request.name}"`);
    return { resource: nodes, name: request.name };
  };
  const registered = (node: Node): Node => {
    const own = registration(node, options.cloudCoreAddress);
    // A JsonObject by its type's meaning, which TypeScript does not see.
    const status = led((node.status ?? {}) as JsonObject, node.metadata.name);
    return kubelet ? { ...own, status: status as NonNullable<Node["status"]> } : own;
  };

  return {
    "node insert": async (request) => {
      options.onRegistered(request.nodeName);
      try {
        const node = objectContent<Node>({ ...request, name: target(request).name }, nodes);
        const created = await api.create<Node>({ resource: nodes }, registered(node));
        request.reply(objectResponse(created));
      } catch (error) {
        request.reply(errorResponse(error));
      }
    },

    "node query": async (request) => {
      const node = await api.get<Node>(target(request));
      request.reply(toJson(node), versionOf(node));
    },

    "node update": async (request) => {
      const { metadata } = objectContent<Node>({ ...request, name: target(request).name }, nodes);
      const { labels = {}, annotations = {} } = metadata;
      const body = { metadata: ownNodeMetadata(request.nodeName, { labels, annotations }) };
      const node = await api.patch<Node>(target(request), { type: "strategic", body });
      request.reply("OK", versionOf(node));
    },

    nodepatch: async (request) => {
      try {
        const patch = patchContent(request.content);
        const body = statusPatch(request.nodeName, patch, led(patch["status"] ?? null, request.nodeName));
        const node = await api.patch<Node>({ ...target(request), subresource: "status" }, { type: "strategic", body });
        request.reply(objectResponse(node), versionOf(node));
      } catch (error) {
        request.reply(errorResponse(error));
      }
    },

    // The way of EdgeCores before v1.9: the whole status at once.
    "nodestatus insert": async (request) => {
      const node = objectContent<Node>({ ...request, name: target(request).name }, nodes);
      await api.create<Node>({ resource: nodes }, registered(node));
      request.reply("OK");
    },
    "nodestatus update": async (request) => {
      const content = isJsonObject(request.content) ? request.content : {};
      const status = led(content["Status"] ?? content["status"] ?? {}, request.nodeName);
      const body = { status };
      const node = await api.patch<Node>({ ...target(request), subresource: "status" }, { type: "merge", body });
      request.reply("OK", versionOf(node));
    },
  };
}

/** Header member of a reply that carries an object. */
export function versionOf(object: { metadata: { resourceVersion?: string } }): { resourceVersion?: string } {
  const version = object.metadata.resourceVersion;
  return version === undefined ? {} : { resourceVersion: version };
}

/** The Node to create. Unlike KubeEdge in one write, so that there is no moment without the edge label. */
function registration(node: Node, cloudCoreAddress: string | undefined): Node {
  const { name, labels = {}, annotations = {} } = node.metadata;
  const own = ownNodeMetadata(name, { labels, annotations });
  const given = isJsonObject(own["annotations"]) ? own["annotations"] : {};
  const address: JsonObject = cloudCoreAddress === undefined ? {} : { cloudcore: cloudCoreAddress };
  return { ...node, metadata: { name, ...own, annotations: { ...given, ...address } as Record<string, string> } };
}

/** A node may patch its status and what the kubelet writes of its metadata; never its spec. */
function statusPatch(nodeName: string, patch: JsonObject, status: JsonValue): JsonObject {
  const metadata = isJsonObject(patch["metadata"]) ? patch["metadata"] : {};
  const { uid } = metadata;
  const kept: JsonObject = {
    ...(uid === undefined ? {} : { uid }),
    ...ownNodeMetadata(nodeName, metadata),
  };
  return {
    ...(Object.keys(kept).length > 0 ? { metadata: kept } : {}),
    ...(patch["status"] === undefined ? {} : { status }),
  };
}
