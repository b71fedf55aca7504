import type { DaemonSet, Node, Pod } from "@skerry/api";
import { countOf } from "../count-of.ts";
import { REVISION_HASH } from "../history/revision-history.ts";
import { isPodFinished, isPodReady, msUntilAvailable } from "../pod-state.ts";
import { daemonPlacement, nodeNameOf } from "./daemon-placement.ts";

/** A node with the daemons of one set that are on it or meant for it. */
export interface DaemonNode {
  readonly name: string;
  readonly shouldRun: boolean;
  readonly mayContinue: boolean;
  readonly pods: readonly Pod[];
}

/** What is to be done for a DaemonSet. */
export interface DaemonPlan {
  /** Names of nodes that get a daemon. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  /** Ended daemons, which are replaced; among those to delete. */
  readonly failed: readonly Pod[];
}

/** The nodes with a set's daemons; also nodes that are gone, with the daemons that they left behind. */
export function daemonNodes(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): DaemonNode[] {
  const byNode = new Map<string, Pod[]>(nodes.map(({ metadata }) => [metadata.name, []]));
  for (const pod of pods) {
    const name = nodeNameOf(pod);
    byNode.set(name, [...(byNode.get(name) ?? []), pod]);
  }
  const known = new Map(nodes.map((node) => [node.metadata.name, node]));
  return [...byNode].map(([name, own]) => {
    const node = known.get(name);
    // What a node that is gone left behind is the pod garbage collector's.
    const placement = node ? daemonPlacement(set, node) : { shouldRun: false, mayContinue: true };
    return { name, ...placement, pods: own };
  });
}

/** Whether the pod is of the set's present template. */
export function isUpToDate(pod: Pod, hash: string): boolean {
  return pod.metadata.labels?.[REVISION_HASH] === hash;
}

/** Gives each node its one daemon, and replaces old ones as the update strategy allows. */
export function daemonPlan(set: DaemonSet, nodes: readonly DaemonNode[], hash: string, nowMs: number): DaemonPlan {
  const create: string[] = [];
  const doomed = new Set<Pod>();
  const failed: Pod[] = [];
  for (const { name, shouldRun, mayContinue, pods } of nodes) {
    const alive = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (!mayContinue) {
      for (const pod of alive) doomed.add(pod);
      continue;
    }
    const ended = alive.filter(isPodFinished);
    for (const pod of shouldRun ? ended : []) {
      doomed.add(pod);
      failed.push(pod);
    }
    const running = alive.filter((pod) => !isPodFinished(pod));
    // A daemon that is going keeps its place until it has gone.
    if (shouldRun && pods.length === 0) create.push(name);
    for (const pod of superfluous(running, hash)) doomed.add(pod);
  }
  if (set.spec.updateStrategy?.type !== "OnDelete") {
    const update = rollingUpdate(set, nodes, hash, nowMs);
    create.push(...update.create);
    for (const pod of update.delete) doomed.add(pod);
  }
  return { create, delete: [...doomed], failed };
}

/** Daemons beyond one of a kind on a node; bound ones stay first, then the oldest. */
function superfluous(running: readonly Pod[], hash: string): Pod[] {
  const rank = (pod: Pod): string => `${pod.spec.nodeName ? 0 : 1}${pod.metadata.creationTimestamp ?? ""}`;
  const sorted = [...running].sort((left, right) => (rank(left) < rank(right) ? -1 : 1));
  return [true, false].flatMap((isNew) => sorted.filter((pod) => isUpToDate(pod, hash) === isNew).slice(1));
}

function rollingUpdate(
  set: DaemonSet,
  nodes: readonly DaemonNode[],
  hash: string,
  nowMs: number,
): Pick<DaemonPlan, "create" | "delete"> {
  const wanted = nodes.filter(({ shouldRun }) => shouldRun);
  const { maxUnavailable = 1, maxSurge = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = countOf(maxSurge, wanted.length, Math.ceil);
  const mostUnavailable = countOf(maxUnavailable, wanted.length, Math.ceil);
  const isAvailable = (pod: Pod): boolean =>
    isPodReady(pod) && msUntilAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs) === 0;
  const create: string[] = [];
  const doomed: Pod[] = [];
  const candidates: DaemonNode[] = [];
  let [unavailableCount, surgingCount] = [0, 0];
  for (const node of wanted) {
    const alive = node.pods.filter((pod) => !pod.metadata.deletionTimestamp && !isPodFinished(pod));
    const fresh = alive.find((pod) => isUpToDate(pod, hash));
    const old = alive.filter((pod) => !isUpToDate(pod, hash));
    const isServed = alive.some(isAvailable);
    if (!isServed) unavailableCount++;
    if (old.length === 0) continue;
    if (fresh && isAvailable(fresh)) doomed.push(...old);
    // A new daemon that has ended or is going keeps its place: it is replaced no faster than any that ends.
    else if (fresh || (surge > 0 && node.pods.some((pod) => isUpToDate(pod, hash)))) surgingCount++;
    // Nothing is lost by replacing what does not serve.
    else if (!isServed) {
      if (surge > 0) create.push(node.name);
      else doomed.push(...old);
    } else candidates.push(node);
  }
  if (surge > 0) create.push(...candidates.slice(0, Math.max(0, surge - surgingCount)).map(({ name }) => name));
  else
    for (const node of candidates.slice(0, Math.max(0, Math.max(1, mostUnavailable) - unavailableCount)))
      doomed.push(...node.pods.filter((pod) => !isUpToDate(pod, hash)));
  return { create, delete: doomed };
}
