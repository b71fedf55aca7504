import type { Pod, PodDisruptionBudget } from "@skerry/api";
import { type Clock, toKubernetesTime } from "@skerry/base";
import { ApiError, failureStatus, labelSelectorPredicate } from "@skerry/kube";
import { type ApiObject, asJsonObject, ensureObject, objectsIn } from "./api-object.ts";
import type { ObjectAt } from "./api-service.ts";
import { internalError, notFound } from "./status-errors.ts";
import type { ObjectKey, StoreSession } from "./store-session.ts";

const BUDGETS = "policy/poddisruptionbudgets";
/** What a client is to wait before it asks again about a budget that has not been counted yet, in seconds. */
const RETRY_SECONDS = 10;

/**
 * Asks the pod's disruption budget whether it may be evicted, takes the eviction off it, and marks the pod.
 * @throws ApiError NotFound; TooManyRequests when the budget does not allow it now; InternalError with several budgets
 */
export function allowEviction(session: StoreSession, key: ObjectKey, at: ObjectAt, clock: Clock): void {
  const stored = session.get(key);
  if (!stored) throw notFound(at.definition.reference, at.name);
  const pod = stored as unknown as Pod;
  const { phase = "Pending" } = pod.status ?? {};
  // What does not run, or is going anyway, disrupts nothing.
  if (phase !== "Running" || pod.metadata.deletionTimestamp !== undefined) return;
  const budgets = session
    .list(BUDGETS, key.namespace)
    .filter((budget) => selects(budget as unknown as PodDisruptionBudget, pod));
  const [budget, ...others] = budgets;
  if (others.length > 0)
    throw internalError(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const now = toKubernetesTime(clock.now());
  if (budget) takeFrom(session, budget, pod, now);
  const status = ensureObject(asJsonObject(stored), "status");
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastProbeTime: null,
    lastTransitionTime: now,
  };
  const kept = objectsIn(status["conditions"]).filter(({ type }) => type !== condition.type);
  status["conditions"] = [...kept, condition];
  session.put(key, stored);
}

function selects({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec.selector !== undefined && labelSelectorPredicate(spec.selector)(metadata.labels);
}

function takeFrom(session: StoreSession, stored: ApiObject, pod: Pod, now: string): void {
  const budget = stored as unknown as PodDisruptionBudget;
  const { name, namespace = "", generation = 0 } = budget.metadata;
  const {
    desiredHealthy = 0,
    currentHealthy = 0,
    disruptionsAllowed = 0,
    observedGeneration = 0,
  } = budget.status ?? {};
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  const isAlwaysAllowed = budget.spec.unhealthyPodEvictionPolicy === "AlwaysAllow";
  // A pod that does not serve disrupts nothing, as long as enough others do.
  if (!isReady && (isAlwaysAllowed || (desiredHealthy > 0 && currentHealthy >= desiredHealthy))) return;
  if (observedGeneration < generation)
    throw notNow(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS);
  if (disruptionsAllowed <= 0)
    throw notNow(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  const status = ensureObject(asJsonObject(stored), "status");
  status["disruptionsAllowed"] = disruptionsAllowed - 1;
  ensureObject(status, "disruptedPods")[pod.metadata.name] = now;
  session.put({ resource: BUDGETS, namespace, name }, stored);
}

function notNow(cause: string, retryAfterSeconds?: number): ApiError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  const causes = [{ reason: "DisruptionBudget", message: cause }];
  return new ApiError(
    failureStatus(429, "TooManyRequests", message, {
      causes,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    }),
  );
}
