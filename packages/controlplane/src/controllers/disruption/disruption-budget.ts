import type { Condition, Pod, PodDisruptionBudget } from "@skerry/api";
import { withCondition } from "../conditions.ts";
import { countOf } from "../count-of.ts";
import { isPodFinished, isPodReady } from "../pod-state.ts";

/** An eviction of which nothing was seen for so long did not happen. */
const DISRUPTION_TIMEOUT_MS = 2 * 60_000;

export type BudgetStatus = NonNullable<PodDisruptionBudget["status"]>;

/**
 * The status of a budget: how many of its pods may be evicted now.
 * @param expectedCount how many pods their controllers want
 */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expectedCount: number,
  nowMs: number,
  now: string,
): BudgetStatus {
  const disrupted = stillDisrupted(budget, pods, nowMs);
  const counted = pods.filter((pod) => !isPodFinished(pod));
  const currentHealthy = counted.filter(
    (pod) => isPodReady(pod) && !pod.metadata.deletionTimestamp && disrupted[pod.metadata.name] === undefined,
  ).length;
  const { expected, desired } = wantedHealthy(budget, counted.length, expectedCount);
  const allowed = Math.max(0, expected === 0 ? 0 : currentHealthy - desired);
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: allowed > 0 ? "True" : "False",
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    lastTransitionTime: now,
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
  };
  return {
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    disruptionsAllowed: allowed,
    currentHealthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(budget.status?.conditions, condition),
  };
}

/** When the first eviction that is under way counts as not done; undefined when none is. */
export function nextTimeoutMs(status: BudgetStatus, nowMs: number): number | undefined {
  const waits = Object.values(status.disruptedPods ?? {}).map(
    (since) => Date.parse(since) + DISRUPTION_TIMEOUT_MS - nowMs,
  );
  return waits.length === 0 ? undefined : Math.max(1_000, Math.min(...waits));
}

function wantedHealthy(
  { spec }: PodDisruptionBudget,
  podCount: number,
  expectedCount: number,
): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable !== undefined) {
    const unavailable = countOf(maxUnavailable, expectedCount, Math.ceil);
    return { expected: expectedCount, desired: Math.max(0, expectedCount - unavailable) };
  }
  if (typeof minAvailable === "string" && minAvailable.endsWith("%"))
    return { expected: expectedCount, desired: countOf(minAvailable, expectedCount, Math.ceil) };
  return { expected: podCount, desired: countOf(minAvailable ?? 0, podCount, Math.ceil) };
}

/** Pods whose eviction was allowed and that the cache shows as alive yet. */
function stillDisrupted(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Record<string, string> {
  const alive = new Set(
    pods.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name),
  );
  return Object.fromEntries(
    Object.entries(budget.status?.disruptedPods ?? {}).filter(
      ([name, since]) => alive.has(name) && Date.parse(since) + DISRUPTION_TIMEOUT_MS > nowMs,
    ),
  );
}
