import { SkerryError } from "@skerry/base";

/** The HTTP status that an error of CloudStream is answered with. */
export function httpStatusOf(error: SkerryError): number {
  const status = error.details["httpStatus"];
  return typeof status === "number" ? status : 500;
}

/** The node has no tunnel just now. */
export function nodeOffline(nodeName: string, sinceMs: number | undefined): SkerryError {
  const since = sinceMs === undefined ? "" : ` since ${new Date(sinceMs).toISOString().slice(0, 19)}Z`;
  return new SkerryError({
    code: "CLOUDSTREAM_NODE_OFFLINE",
    message: `node "${nodeName}" is offline${since}; what runs there goes on, and its logs can be read when it is back`,
    advice: "Check the node's network and that EdgeCore runs there with modules.edgeStream enabled.",
    details: { nodeName, httpStatus: 503 },
  });
}

/** The node is connected, but its tunnel does not come. */
export function tunnelNotOpened(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_TUNNEL_NOT_OPENED",
    message: `node "${nodeName}" is connected, but did not open a stream tunnel in time`,
    advice: "Try again; if it stays, look for edgestream in EdgeCore's log on the node.",
    details: { nodeName, httpStatus: 503 },
  });
}

/** Another CloudCore does not answer. */
export function peerSilent(replica: string, address: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_PEER_SILENT",
    message: `CloudCore "${replica}" at ${address} did not answer in time`,
    advice:
      "Check that the CloudCores reach each other at skerry.peerAddress and skerry.peerPort of their configurations.",
    details: { replica, address, httpStatus: 503 },
  });
}

/** The pod is on no node yet. */
export function podNotScheduled(namespace: string, name: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_POD_NOT_SCHEDULED",
    message: `pod ${namespace}/${name} is on no node yet`,
    advice: `See \`kubectl describe pod -n ${namespace} ${name}\` for why.`,
    details: { httpStatus: 400 },
  });
}

/** There is no such pod. */
export function podUnknown(namespace: string, name: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_POD_UNKNOWN",
    message: `pod ${namespace}/${name} does not exist`,
    advice: "Check the name and the namespace.",
    details: { httpStatus: 404 },
  });
}

/** There is no such node. */
export function nodeUnknown(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_NODE_UNKNOWN",
    message: `node "${nodeName}" does not exist`,
    advice: "Check the name: `kubectl get nodes` lists those there are.",
    details: { nodeName, httpStatus: 404 },
  });
}

/** The node runs KubeEdge's EdgeCore, which has no port-forward. */
export function notServedByNode(nodeName: string): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_NOT_SERVED_BY_NODE",
    message: `node "${nodeName}" runs an EdgeCore that knows no port-forward`,
    advice: "Run Skerry's EdgeCore on the node.",
    details: { nodeName, httpStatus: 501 },
  });
}

/** CloudCore's own pod is no container. */
export function notAContainer(): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_NOT_A_CONTAINER",
    message: "CloudCore is a process of its machine, not a container: only its log can be read here",
    advice: "Log in to the machine for anything else.",
    details: { httpStatus: 400 },
  });
}

/** A node's own path, and nothing says which node is meant. */
export function nodeNotNamed(): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_NODE_NOT_NAMED",
    message: "this path is about a node, and the request names none",
    advice: "Name the node as the host of the request (Host: NODE); docs/streams.md says how.",
    details: { httpStatus: 400 },
  });
}

/** The path is none that CloudStream serves. */
export function pathNotServed(): SkerryError {
  return new SkerryError({
    code: "CLOUDSTREAM_PATH_NOT_SERVED",
    message: "this path of the kubelet's API is not served here",
    advice: "Served are containerLogs, exec, attach, portForward, stats/summary and metrics.",
    details: { httpStatus: 404 },
  });
}
