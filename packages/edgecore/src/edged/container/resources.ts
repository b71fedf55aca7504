import type { Container, Pod, Quantity } from "@skerry/api";
import { quantityToMilli, quantityToNumber } from "@skerry/kube";
import type { HostFacts, LinuxResources } from "../ports.ts";
import { effectiveResources } from "./pod-resources.ts";

export const CPU_PERIOD_US = 100_000;
const LEAST_CPU_SHARES = 2;
const LEAST_CPU_QUOTA_US = 1000;

/** How important a pod is when memory runs out. */
export type QualityOfService = "Guaranteed" | "Burstable" | "BestEffort";

/** The pod's class by its requests and limits. */
export function qualityOfService(pod: Pod): QualityOfService {
  // With resources of its own the pod is judged by them alone.
  const containers = pod.spec.resources ? [pod.spec] : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (limit !== undefined || request !== undefined) any = true;
      if (limit === undefined || quantityToMilli(limit) !== quantityToMilli(request ?? limit)) guaranteed = false;
    }
  }
  return any ? (guaranteed ? "Guaranteed" : "Burstable") : "BestEffort";
}

/**
 * A container's limits as Linux takes them. On a machine without the control groups for a limit it is left out, so
 * that the container still runs; the caller says so.
 */
export function linuxResources(pod: Pod, container: Container, host: HostFacts): LinuxResources {
  const { limits = {}, requests = {} } = effectiveResources(pod, container);
  const cpuLimit = limits["cpu"];
  const cpuRequest = requests["cpu"] ?? cpuLimit;
  const memoryLimit = limits["memory"];
  const quotaUs = cpuLimit === undefined ? 0 : cpuQuotaUs(quantityToMilli(cpuLimit));
  const shares = cpuShares(cpuRequest === undefined ? 0 : quantityToMilli(cpuRequest));
  return {
    cpuPeriodUs: host.cgroups.cpu && quotaUs > 0 ? CPU_PERIOD_US : 0,
    cpuQuotaUs: host.cgroups.cpu ? quotaUs : 0,
    cpuShares: host.cgroups.cpu ? shares : 0,
    memoryLimitBytes: host.cgroups.memory && memoryLimit !== undefined ? quantityToNumber(memoryLimit) : 0,
    oomScoreAdjustment: oomScoreAdjustment(pod, container, host.memoryBytes),
    hugePages: host.cgroups.hugePages ? hugePageLimits(limits) : [],
  };
}

/** A limit of processors as microseconds in each {@link CPU_PERIOD_US}. */
export function cpuQuotaUs(limitMilli: number): number {
  return Math.floor(Math.max(LEAST_CPU_QUOTA_US, (limitMilli * CPU_PERIOD_US) / 1000));
}

/** A request of processors as the weight that Linux gives it. */
export function cpuShares(requestMilli: number): number {
  return Math.max(LEAST_CPU_SHARES, Math.floor((requestMilli * 1024) / 1000));
}

const HUGE_PAGES = /^hugepages-(\d+)(Ki|Mi|Gi)$/;

function hugePageLimits(limits: Readonly<Record<string, Quantity>>): LinuxResources["hugePages"] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const [, size, unit = ""] = HUGE_PAGES.exec(name) ?? [];
    return size === undefined ? [] : [{ pageSize: `${size}${unit[0]}B`, limitBytes: quantityToNumber(limit) }];
  });
}

/** Whether a limit of this resource is known here; one that the machine cannot enforce is told all the same. */
export function isLimitCarriedOut(resource: string): boolean {
  return ["cpu", "memory", "ephemeral-storage"].includes(resource) || HUGE_PAGES.test(resource);
}

/** Limits that this machine cannot enforce. */
export function unenforcedLimits(pod: Pod, container: Container, host: HostFacts): string[] {
  const { limits = {} } = effectiveResources(pod, container);
  const missing: string[] = [];
  if (limits["cpu"] !== undefined && !host.cgroups.cpu) missing.push("cpu");
  if (limits["memory"] !== undefined && !host.cgroups.memory) missing.push("memory");
  if (!host.cgroups.hugePages && Object.keys(limits).some((name) => HUGE_PAGES.test(name))) missing.push("huge pages");
  return missing;
}

/** The kubelet's formula: what is guaranteed dies last, what asked for nothing first. */
function oomScoreAdjustment(pod: Pod, container: Container, machineBytes: number): number {
  switch (qualityOfService(pod)) {
    case "Guaranteed":
      return -997;
    case "BestEffort":
      return 1000;
    case "Burstable": {
      const { requests, limits } = effectiveResources(pod, container);
      const request = requests?.["memory"] ?? limits?.["memory"] ?? 0;
      const score = 1000 - Math.floor((1000 * quantityToNumber(request)) / machineBytes);
      return Math.min(999, Math.max(3, score));
    }
  }
}
