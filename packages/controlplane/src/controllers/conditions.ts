import type { Condition } from "@skerry/api";

/**
 * The conditions with one set. Its lastTransitionTime stays when the status does, and nothing at all changes when
 * status and reason do (as Kubernetes' controllers have it).
 */
export function withCondition(conditions: readonly Condition[] | undefined, condition: Condition): Condition[] {
  const list = conditions ?? [];
  const current = list.find(({ type }) => type === condition.type);
  if (current && current.status === condition.status && current.reason === condition.reason) return [...list];
  const next: Condition =
    current?.status === condition.status && current.lastTransitionTime !== undefined
      ? { ...condition, lastTransitionTime: current.lastTransitionTime }
      : condition;
  return [...list.filter(({ type }) => type !== condition.type), next];
}

/** The conditions without one type. */
export function withoutCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/** The condition of that type. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
