import type { KubernetesObject, NodeJobScope, NodeJobStatus, NodeTaskStatus } from "@skerry/api";
import { isSkerryError, type SkerryError } from "@skerry/base";
import { labelSelectorPredicate } from "@skerry/kube";
import {
  jobInvalid,
  nodeMissing,
  nodeNotEdge,
  nodeNotReady,
  nodeTooOld,
  statusReason,
  tooManyNodes,
} from "./errors.ts";

const EDGE_LABEL = "node-role.kubernetes.io/edge";
/** An object has at most 1.5 MiB in Kubernetes, and each node takes some 500 bytes of the status. */
const NODE_LIMIT = 2_000;
/** What KubeEdge documents; without it its code takes 0 (cloud.md 14.5, 52). */
const DEFAULT_TOLERANCE = 0.1;
const FIRST_MINOR = 21;

/** What beginning a job looks at. */
export interface NodeList {
  get(name: string): KubernetesObject | undefined;
  list(): readonly KubernetesObject[];
}

/** The status that a new job begins with: its nodes, `Pending`, or why they cannot take part. */
export function beginJob(scope: NodeJobScope, nodes: NodeList): NodeJobStatus {
  try {
    if (failureTolerance(scope) === undefined)
      throw jobInvalid(`failureTolerate must be a number from 0 to 1, not ${JSON.stringify(scope.failureTolerate)}`);
    const names = nodeNames(scope, nodes);
    if (names.length === 0) throw jobInvalid("No edge node has the labels that the job asks for");
    if (names.length > NODE_LIMIT) throw tooManyNodes(names.length, NODE_LIMIT);
    return { phase: "InProgress", nodeStatus: names.map((name) => beginNode(name, nodes.get(name))) };
  } catch (error) {
    if (!isSkerryError(error)) throw error;
    return { phase: "Failure", reason: statusReason(error) };
  }
}

/** Share of the nodes that may fail; undefined when it is no such number. */
export function failureTolerance({ failureTolerate }: NodeJobScope): number | undefined {
  if (failureTolerate === undefined || failureTolerate === "") return DEFAULT_TOLERANCE;
  const tolerance = Number(failureTolerate);
  return /^\d*\.?\d+$/.test(failureTolerate) && tolerance <= 1 ? tolerance : undefined;
}

function nodeNames(scope: NodeJobScope, nodes: NodeList): string[] {
  const names = [...new Set(scope.nodeNames ?? [])];
  const hasSelector = scope.labelSelector !== undefined && scope.labelSelector !== null;
  if (names.length > 0 === hasSelector)
    throw jobInvalid("Either nodeNames or labelSelector says which nodes are meant");
  if (!hasSelector) return names;
  let matches: ReturnType<typeof labelSelectorPredicate>;
  try {
    matches = labelSelectorPredicate(scope.labelSelector);
  } catch (error) {
    throw jobInvalid(`labelSelector cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
  return nodes
    .list()
    .filter((node) => isEdge(node) && matches(node.metadata.labels))
    .map(({ metadata }) => metadata.name)
    .sort();
}

function beginNode(nodeName: string, node: KubernetesObject | undefined): NodeTaskStatus {
  const obstacle = obstacleOf(nodeName, node);
  if (obstacle === undefined) return { nodeName, phase: "Pending" };
  return { nodeName, phase: "Failure", reason: statusReason(obstacle) };
}

function obstacleOf(nodeName: string, node: KubernetesObject | undefined): SkerryError | undefined {
  if (node === undefined) return nodeMissing(nodeName);
  if (!isEdge(node)) return nodeNotEdge(nodeName);
  const { conditions = [], nodeInfo } = (node as NodeWithStatus).status ?? {};
  if (!conditions.some(({ type, status }) => type === "Ready" && status === "True")) return nodeNotReady(nodeName);
  const [, version = "", minor] = /-kubeedge-(v1\.(\d+)[^-]*)/.exec(nodeInfo?.kubeletVersion ?? "") ?? [];
  return minor !== undefined && Number(minor) < FIRST_MINOR ? nodeTooOld(nodeName, version) : undefined;
}

interface NodeWithStatus extends KubernetesObject {
  status?: { conditions?: { type: string; status: string }[]; nodeInfo?: { kubeletVersion?: string } };
}

function isEdge({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[EDGE_LABEL] !== undefined;
}
