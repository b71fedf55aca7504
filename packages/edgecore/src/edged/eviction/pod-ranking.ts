import { isMirrorPod, type Pod, type Quantity } from "@skerry/api";
import { quantityToNumber } from "@skerry/kube";
import type { ShortResource } from "./pressure.ts";

/** What a pod uses of what may run short. */
export interface PodUsage {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly inodes: number;
  readonly processes: number;
  readonly containers: readonly ContainerDiskAndMemory[];
}

export interface ContainerDiskAndMemory {
  readonly name: string;
  readonly memoryBytes: number;
  /** Writable layer and logs. */
  readonly diskBytes: number;
}

export interface RankedPod {
  readonly pod: Pod;
  readonly usage: PodUsage;
}

/** Priority from which on pods are the system's own. */
export const SYSTEM_CRITICAL = 2_000_000_000;
const CONFIG_SOURCE = "kubernetes.io/config.source";

/** Pods that are never evicted: the system's own, and those that the node itself was given. */
export function isCritical(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[CONFIG_SOURCE];
  return isMirrorPod(pod) || (source !== undefined && source !== "api") || (pod.spec.priority ?? 0) >= SYSTEM_CRITICAL;
}

/** Sum of the containers' requests. */
export function requested(pod: Pod, resource: "memory" | "ephemeral-storage"): number {
  return pod.spec.containers.reduce((sum, { resources }) => sum + bytesOf(resources?.requests?.[resource]), 0);
}

function bytesOf(quantity: Quantity | undefined): number {
  return quantity === undefined ? 0 : quantityToNumber(quantity);
}

/**
 * Who is to go first, as the kubelet ranks: those that use more than they asked for, then the less important ones, then
 * those that use most beyond what they asked for. Equal ones stay in order.
 */
export function rankPods<Ranked extends RankedPod>(pods: readonly Ranked[], resource: ShortResource): Ranked[] {
  return [...pods].sort(
    (left, right) =>
      Number(beyondRequest(right, resource) > 0) - Number(beyondRequest(left, resource) > 0) ||
      (left.pod.spec.priority ?? 0) - (right.pod.spec.priority ?? 0) ||
      beyondRequest(right, resource) - beyondRequest(left, resource),
  );
}

/**
 * Whether it could help that such a pod goes. One of which no inodes or processes are counted would go in vain: not every
 * runtime lets them be counted.
 */
export function couldHelp(usage: PodUsage, resource: ShortResource): boolean {
  if (resource === "inodes") return usage.inodes > 0;
  return resource !== "pids" || usage.processes > 0;
}

/** Nothing of inodes and processes can be asked for. */
function beyondRequest({ pod, usage }: RankedPod, resource: ShortResource): number {
  switch (resource) {
    case "memory":
      return usage.memoryBytes - requested(pod, "memory");
    case "ephemeral-storage":
      return usage.diskBytes - requested(pod, "ephemeral-storage");
    case "inodes":
      return usage.inodes;
    case "pids":
      return usage.processes;
  }
}
