import type { NodeJobScope, NodeJobStatus, NodeTaskStatus } from "@skerry/api";
import { failureTolerance } from "./begin-job.ts";

const DEFAULT_TIMEOUT_SECONDS = 300;

/** How long a node may be silent; KubeEdge documents 300 s for none and 0 (cloud.md 14.5, 52). */
export function timeoutSeconds(scope: NodeJobScope): number {
  return scope.timeoutSeconds && scope.timeoutSeconds > 0 ? scope.timeoutSeconds : DEFAULT_TIMEOUT_SECONDS;
}

/** How many more nodes may work on the job now. A node that is no longer heard of gives its place free. */
export function freePlaces(scope: NodeJobScope, tasks: readonly NodeTaskStatus[]): number {
  const busy = tasks.filter(({ phase }) => phase === "InProgress").length;
  return Math.max(1, scope.concurrency ?? 1) - busy;
}

/** The next nodes whose turn it is, of those that can be reached from here. */
export function nextNodes(
  scope: NodeJobScope,
  tasks: readonly NodeTaskStatus[],
  isReachable: (nodeName: string) => boolean,
): string[] {
  const places = Math.max(0, freePlaces(scope, tasks));
  return tasks
    .filter(({ phase, nodeName }) => phase === "Pending" && isReachable(nodeName))
    .slice(0, places)
    .map(({ nodeName }) => nodeName);
}

/** The status that follows from its nodes' parts. */
export function jobStatus(scope: NodeJobScope, nodeStatus: NodeTaskStatus[]): NodeJobStatus {
  if (nodeStatus.some(({ phase }) => phase === "Pending" || phase === "InProgress"))
    return { phase: "InProgress", nodeStatus };
  const failed = nodeStatus.filter(({ phase }) => phase !== "Successful").length;
  if (failed === 0) return { phase: "Completed", nodeStatus };
  const isTolerated = failed / nodeStatus.length <= (failureTolerance(scope) ?? 0);
  return {
    phase: isTolerated ? "Completed" : "Failure",
    reason: `${failed} of ${nodeStatus.length} nodes failed`,
    nodeStatus,
  };
}
