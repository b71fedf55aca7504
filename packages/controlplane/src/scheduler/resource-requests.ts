import type { Container, Pod, Quantity } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { quantityToNano } from "@skerry/kube";

/** Amounts by resource name, in billionths of the unit: exact, whatever the quantities look like. */
export type Amounts = ReadonlyMap<string, bigint>;

/** What the pod asks of its node: the containers together, or the largest init container when that is more. */
export function podRequests(pod: Pod): Amounts {
  const total = new Map<string, bigint>();
  for (const container of pod.spec.containers) addTo(total, requestsOf(container));
  let sidecars = new Map<string, bigint>();
  for (const container of pod.spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === "Always") {
      // A sidecar keeps running beside all that comes after it.
      addTo(total, requests);
      sidecars = new Map(sidecars);
      addTo(sidecars, requests);
      continue;
    }
    for (const [name, amount] of requests) {
      const peak = amount + (sidecars.get(name) ?? 0n);
      if (peak > (total.get(name) ?? 0n)) total.set(name, peak);
    }
  }
  const { overhead } = pod.spec as { overhead?: unknown };
  if (isJsonObject(overhead)) addTo(total, amountsOf(overhead as Record<string, Quantity>));
  return total;
}

/** Quantities as amounts. @throws SkerryError `KUBE_BAD_QUANTITY` */
export function amountsOf(quantities: Readonly<Record<string, Quantity>> | undefined): Amounts {
  return new Map(Object.entries(quantities ?? {}).map(([name, quantity]) => [name, quantityToNano(quantity)]));
}

/** Adds `more` to `total`. */
export function addTo(total: Map<string, bigint>, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, (total.get(name) ?? 0n) + amount);
}

/** Limits stand in for requests that are not given, as the API server's defaults have it. */
function requestsOf({ resources }: Container): Amounts {
  return amountsOf({ ...resources?.limits, ...resources?.requests });
}
