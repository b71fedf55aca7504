import type { StreamKind } from "./connect-request.ts";
import { parseKubeletPath } from "./kubelet-path.ts";

/** Paths of the kubelet's API that are about its node: they name none. */
const NODE_PATHS: ReadonlySet<string> = new Set([
  "/stats/summary",
  "/metrics",
  "/metrics/resource",
  "/metrics/cadvisor",
]);

/** Whether a path of the kubelet's API is about its node. */
export function isNodePath(path: string): boolean {
  return NODE_PATHS.has(path);
}

/** What a path of the kubelet's API opens; undefined when it is none that is served. */
export function streamKindOf(path: string): StreamKind | undefined {
  return isNodePath(path) ? "metrics" : parseKubeletPath(path)?.kind;
}
