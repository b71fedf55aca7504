import type { Container, Pod } from "@skerry/api";
import { fnv1a, hexOf } from "@skerry/base";
import type { RuntimeContainer } from "../ports.ts";

/** Labels and annotations as the kubelet writes them, so that its tools understand our containers and we its. */
export const podNameLabel = "io.kubernetes.pod.name";
export const podNamespaceLabel = "io.kubernetes.pod.namespace";
export const podUidLabel = "io.kubernetes.pod.uid";
export const containerNameLabel = "io.kubernetes.container.name";
/** Ours: tells our sandboxes from another kubelet's on a shared runtime. */
export const nodeLabel = "skerry.io/node";
export const containerHashAnnotation = "io.kubernetes.container.hash";
/** Ours: the resources that the container was made with. */
export const resourcesAnnotation = "skerry.io/resources";
export const restartCountAnnotation = "io.kubernetes.container.restartCount";
export const terminationMessagePathAnnotation = "io.kubernetes.container.terminationMessagePath";
export const terminationMessagePolicyAnnotation = "io.kubernetes.container.terminationMessagePolicy";
export const gracePeriodAnnotation = "io.kubernetes.pod.terminationGracePeriod";

/** A condition of Skerry's process runtime: whether pods reach what is outside of their own network. */
export const outboundCondition = "skerry.io/Outbound";
/** Conditions of it: whether it enforces limits, which the machine's control groups alone do not say. */
export const cpuLimitsCondition = "skerry.io/CpuLimits";
export const memoryLimitsCondition = "skerry.io/MemoryLimits";
/** A condition of it: whether it filters containers' system calls. */
export const seccompCondition = "skerry.io/Seccomp";

/** Kubernetes' default for pods that do not say. */
export const DEFAULT_GRACE_PERIOD_SECONDS = 30;

/** A pod's identity. Two pods of one name with different UIDs are different pods. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function podIdentity(pod: Pod): PodIdentity {
  return { namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name, uid: pod.metadata.uid ?? "" };
}

/** Labels of a pod's sandbox and containers. */
export function podLabels(pod: PodIdentity, nodeName: string): Record<string, string> {
  return {
    [podNameLabel]: pod.name,
    [podNamespaceLabel]: pod.namespace,
    [podUidLabel]: pod.uid,
    [nodeLabel]: nodeName,
  };
}

/**
 * Fingerprint of what makes a running container outdated when it changes: of a pod's immutable specification only the
 * image can change.
 */
export function containerHash(container: Container): string {
  return hexOf(fnv1a(JSON.stringify([container.name, container.image ?? ""])));
}

/** A text's fingerprint, 128 bits, hex: no proof against forgery, but other texts have others. */
export function fingerprint(text: string): string {
  return [0x811c9dc5, 0x01234567, 0x9e3779b9, 0x7f4a7c15].map((seed) => hexOf(fnv1a(text, seed))).join("");
}

/** Whether the text can be a {@link fingerprint}. */
export function isFingerprint(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** How often the container was restarted before this one. */
export function restartCountOf(container: RuntimeContainer): number {
  const count = Number(container.annotations[restartCountAnnotation] ?? container.attempt);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}

/** The pod's grace period as its containers remember it. */
export function gracePeriodOf(containers: readonly RuntimeContainer[]): number {
  for (const container of containers) {
    const seconds = Number(container.annotations[gracePeriodAnnotation]);
    if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  }
  return DEFAULT_GRACE_PERIOD_SECONDS;
}
