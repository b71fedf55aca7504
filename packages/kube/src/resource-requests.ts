import type { Container, Pod, Quantity } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { quantityToNano } from "./quantity.ts";

/** Amounts by resource name, in billionths of the unit: exact, whatever the quantities look like. */
export type Amounts = ReadonlyMap<string, bigint>;

/** What the pod asks of its node: the containers together, or the largest init container when that is more. */
export function podRequests(pod: Pod): Amounts {
  return podAmounts(pod, "requests", requestsOf);
}

/** What the pod may use at most, of what all its containers together have a limit for. */
export function podLimits(pod: Pod): Amounts {
  return podAmounts(pod, "limits", ({ resources }) => amountsOf(resources?.limits));
}

function podAmounts(pod: Pod, member: "requests" | "limits", amountsOfOne: (container: Container) => Amounts): Amounts {
  const running = new Map<string, bigint>();
  for (const container of pod.spec.containers) addTo(running, amountsOfOne(container));
  const peaks: Amounts[] = [];
  const sidecars = new Map<string, bigint>();
  for (const container of pod.spec.initContainers ?? []) {
    const amounts = amountsOfOne(container);
    // A sidecar keeps running beside all that comes after it.
    if (container.restartPolicy === "Always") addTo(sidecars, amounts);
    else {
      const peak = new Map(amounts);
      addTo(peak, sidecars);
      peaks.push(peak);
    }
  }
  addTo(running, sidecars);
  for (const peak of peaks)
    for (const [name, amount] of peak) if (amount > (running.get(name) ?? 0n)) running.set(name, amount);
  const { overhead, resources } = pod.spec as { overhead?: unknown; resources?: Container["resources"] };
  // What is said of the pod as a whole counts, not the sum of its containers.
  for (const [name, amount] of amountsOf(resources?.[member])) running.set(name, amount);
  if (isJsonObject(overhead)) addTo(running, amountsOf(overhead as Record<string, Quantity>));
  return running;
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
