import { identityUnknown, nodeNameInvalid } from "./errors.ts";

/** Group of all nodes' certificates, as in Kubernetes. */
export const NODES_GROUP = "system:nodes";

/** What precedes the node's name in its certificate's common name. */
const NODE_USER_PREFIX = "system:node:";

const NODE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether the text can be a node's name (RFC 1123 subdomain, at most 253 characters). */
export function isNodeName(text: string): boolean {
  return text.length <= 253 && NODE_NAME.test(text);
}

/**
 * The subject of a node's certificate (security.md 7).
 * @throws SkerryError `PKI_NODE_NAME_INVALID`
 */
export function nodeSubject(nodeName: string): {
  readonly commonName: string;
  readonly organizations: readonly string[];
} {
  if (!isNodeName(nodeName)) throw nodeNameInvalid(nodeName);
  return { commonName: `${NODE_USER_PREFIX}${nodeName}`, organizations: [NODES_GROUP] };
}

/**
 * The node that a certificate's subject names.
 * KubeEdge's legacy subject (O `KubeEdge`, CN `kubeedge.io`) names no node and is refused: it could speak for any.
 * @throws SkerryError `PKI_IDENTITY_UNKNOWN`
 */
export function nodeNameOf(subject: {
  readonly commonName: string;
  readonly organizations: readonly string[];
}): string {
  const { commonName, organizations } = subject;
  const nodeName = commonName.startsWith(NODE_USER_PREFIX) ? commonName.slice(NODE_USER_PREFIX.length) : "";
  if (!organizations.includes(NODES_GROUP) || !isNodeName(nodeName)) throw identityUnknown(commonName, organizations);
  return nodeName;
}
