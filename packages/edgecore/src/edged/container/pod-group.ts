import type { Container, Pod } from "@skerry/api";
import { quantityToMilli } from "@skerry/kube";
import { isSidecar } from "../pod/restart-policy.ts";
import type { PodGroup } from "../ports.ts";
import { CPU_PERIOD_US, cpuQuotaUs, cpuShares, qualityOfService } from "./resources.ts";

/**
 * The pod's control group as the kubelet has it: its share of the processors is the sum of its containers' requests; it
 * has a limit where all of its containers have one, or where the pod itself says it.
 */
export function podGroup(pod: Pod): PodGroup {
  const cpuRequestMilli = total(pod, "requests", "cpu") ?? 0;
  const cpuLimitMilli = total(pod, "limits", "cpu");
  return {
    uid: pod.metadata.uid ?? "",
    qualityOfService: qualityOfService(pod),
    limits: {
      cpuPeriodUs: CPU_PERIOD_US,
      cpuQuotaUs: cpuLimitMilli === undefined ? 0 : cpuQuotaUs(cpuLimitMilli),
      cpuShares: cpuShares(cpuRequestMilli),
      memoryBytes: Math.ceil((total(pod, "limits", "memory") ?? 0) / 1000),
    },
  };
}

/** In thousandths, with what the pod itself costs its runtime; undefined for limits that a container lacks. */
function total(pod: Pod, kind: "requests" | "limits", name: "cpu" | "memory"): number | undefined {
  const ofContainers = largest(pod, kind, name);
  return ofContainers === undefined ? undefined : ofContainers + quantityToMilli(pod.spec.overhead?.[name] ?? 0);
}

/** As much as may be needed at one time. */
function largest(pod: Pod, kind: "requests" | "limits", name: "cpu" | "memory"): number | undefined {
  const ofPod = pod.spec.resources?.[kind]?.[name];
  if (ofPod !== undefined) return quantityToMilli(ofPod);
  const { containers, initContainers = [] } = pod.spec;
  const all = [...initContainers, ...containers].map((container) => amount(container, kind, name));
  if (kind === "limits" && all.includes(undefined)) return undefined;
  let together = 0;
  let most = 0;
  for (const [index, own = 0] of all.entries()) {
    const init = initContainers[index];
    // One after another, each beside the sidecars that have been started before it.
    if (init && !isSidecar(init)) most = Math.max(most, together + own);
    else together += own;
  }
  return Math.max(most, together);
}

function amount({ resources }: Container, kind: "requests" | "limits", name: string): number | undefined {
  const own =
    kind === "requests" ? (resources?.requests?.[name] ?? resources?.limits?.[name]) : resources?.limits?.[name];
  return own === undefined ? undefined : quantityToMilli(own);
}
