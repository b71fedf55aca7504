import { isJsonObject, type JsonObject } from "@skerry/base";

/** Where the API server of a Kubernetes of one's own reaches the kubelet's API of the edge nodes: at the CloudCores. */
export interface KubeletEndpoint {
  /** Each node is `NODE.domain` there. */
  readonly domain: string;
  readonly port: number;
}

/**
 * A node's status, or a patch of it, with the CloudCores as its kubelet's address. `InternalIP` stays the node's own: it is
 * what users see, and what pods have as `hostIP`.
 */
export function withKubeletEndpoint(status: JsonObject, nodeName: string, endpoint: KubeletEndpoint): JsonObject {
  const { addresses, daemonEndpoints } = status;
  const given = Array.isArray(addresses) ? addresses : [];
  return {
    ...status,
    addresses: [
      ...given.filter((each) => !isJsonObject(each) || each["type"] !== "InternalDNS"),
      { type: "InternalDNS", address: `${nodeName}.${endpoint.domain}` },
    ],
    daemonEndpoints: {
      ...(isJsonObject(daemonEndpoints) ? daemonEndpoints : {}),
      kubeletEndpoint: { Port: endpoint.port },
    },
  };
}
