/** Labels of Kubernetes' own that a node may set on itself. */
const NODE_LABELS: ReadonlySet<string> = new Set([
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "node.kubernetes.io/instance-type",
  "node.kubernetes.io/windows-build",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);
/** Below these it may set any. */
const NODE_PREFIXES = ["kubelet.kubernetes.io", "node.kubernetes.io"];
/** Below this none, so that administrators can trust them. */
const RESTRICTED_PREFIX = "node-restriction.kubernetes.io";

type Labels = Readonly<Record<string, string>>;

/** The labels between two states of a node that it must not have changed itself, in order. */
export function forbiddenNodeLabels(before: Labels, after: Labels): string[] {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key],
  );
  return changed.filter((key) => !isNodesToSet(key)).sort();
}

function isNodesToSet(key: string): boolean {
  const prefix = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  if (isBelow(prefix, RESTRICTED_PREFIX)) return false;
  if (!isBelow(prefix, "kubernetes.io") && !isBelow(prefix, "k8s.io")) return true;
  return NODE_LABELS.has(key) || NODE_PREFIXES.some((allowed) => isBelow(prefix, allowed));
}

function isBelow(prefix: string, domain: string): boolean {
  return prefix === domain || prefix.endsWith(`.${domain}`);
}
