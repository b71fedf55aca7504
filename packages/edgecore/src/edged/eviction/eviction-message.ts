import { quantityToNumber } from "@skerry/kube";
import type { RankedPod } from "./pod-ranking.ts";
import { amountOf, type Observations, resourceOf, type WatchedThreshold } from "./pressure.ts";

const BINARY_UNITS = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

/** A number as Kubernetes writes sizes: with the largest binary unit that leaves it whole. */
export function sizeText(value: number): string {
  let whole = Math.round(value);
  let unit = 0;
  while (whole !== 0 && whole % 1024 === 0 && unit < BINARY_UNITS.length - 1) {
    whole /= 1024;
    unit++;
  }
  return `${whole}${BINARY_UNITS[unit]}`;
}

/** Why a pod is evicted, in the kubelet's words. */
export function evictionMessage(
  { pod, usage }: RankedPod,
  threshold: WatchedThreshold,
  observations: Observations,
): string {
  const resource = resourceOf(threshold);
  const observed = observations.get(threshold.signal);
  const parts = [`The node was low on resource: ${resource}. `];
  if (observed) {
    const limit = amountOf(threshold.amount, observed.capacity);
    parts.push(`Threshold quantity: ${sizeText(limit)}, available: ${sizeText(observed.available)}. `);
  }
  if (resource === "memory" || resource === "ephemeral-storage")
    for (const { name, memoryBytes, diskBytes } of usage.containers) {
      const request = pod.spec.containers.find((container) => container.name === name)?.resources?.requests?.[resource];
      const used = resource === "memory" ? memoryBytes : diskBytes;
      if (used > (request === undefined ? 0 : quantityToNumber(request)))
        parts.push(
          `Container ${name} was using ${sizeText(used)}, request is ${request ?? 0}, has larger consumption of ${resource}. `,
        );
    }
  return parts.join("");
}

/** Why a pod is not even started; undefined: it may be. */
export function refusalMessage(conditions: readonly string[]): string {
  return `Pod was rejected: The node had condition: [${conditions.join(" ")}]. `;
}
