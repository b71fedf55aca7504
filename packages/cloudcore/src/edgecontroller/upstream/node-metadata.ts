import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** Labels of Kubernetes' own domains that a kubelet sets, as the NodeRestriction admission has them. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.kubernetes.io/region",
  "failure-domain.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "node.kubernetes.io/windows-build",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  // KubeEdge's edges give themselves these two roles.
  "node-role.kubernetes.io/agent",
  "node-role.kubernetes.io/edge",
]);
const KUBELET_DOMAINS = /(^|\.)(kubelet|node)\.kubernetes\.io$/;
const KUBERNETES_DOMAINS = /(^|\.)(kubernetes|k8s)\.io$/;
const HOST_NAME_LABEL = "kubernetes.io/hostname";
/** Says where the node's session is: CloudCore's to write, others follow it. */
const CLOUDCORE_ANNOTATION = "cloudcore";

/**
 * The labels and annotations that a node may give its own Node. Labels by which the administrator or Kubernetes decides
 * where pods run are not among them: with another node's host name, or a role, a node could draw pods to itself, and
 * with them their Secrets. Directives of a strategic merge patch (`$patch`, …) are no labels: they would delete the
 * administrator's.
 */
export function ownNodeMetadata(nodeName: string, metadata: JsonObject): JsonObject {
  const labels = kept(metadata["labels"], (name, value) =>
    name === HOST_NAME_LABEL ? value === nodeName : isNodesLabel(name),
  );
  const annotations = kept(metadata["annotations"], (name) => name !== CLOUDCORE_ANNOTATION);
  return { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
}

function kept(
  members: JsonValue | undefined,
  isOwn: (name: string, value: JsonValue | undefined) => boolean,
): JsonObject | undefined {
  if (!isJsonObject(members)) return undefined;
  return Object.fromEntries(
    Object.entries(members).filter(([name, value]) => !name.startsWith("$") && isOwn(name, value)),
  );
}

function isNodesLabel(label: string): boolean {
  const domain = label.includes("/") ? label.slice(0, label.indexOf("/")) : "";
  return KUBELET_LABELS.has(label) || KUBELET_DOMAINS.test(domain) || !KUBERNETES_DOMAINS.test(domain);
}
