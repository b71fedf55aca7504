import type { Node, Taint } from "@skerry/api";
import { findCondition } from "../conditions.ts";

/** Taints that follow from a node's conditions and spec; no others are touched. */
const MANAGED_KEYS: ReadonlySet<string> = new Set([
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
  "node.kubernetes.io/memory-pressure",
  "node.kubernetes.io/disk-pressure",
  "node.kubernetes.io/pid-pressure",
  "node.kubernetes.io/network-unavailable",
  "node.kubernetes.io/unschedulable",
]);

export const UNREACHABLE_TAINT = "node.kubernetes.io/unreachable";

/**
 * The taints that the node should have: its own, and those of its conditions. A NoExecute taint carries the time since
 * when it is there. Undefined when they are as they should be.
 */
export function wantedTaints(node: Node, now: string): Taint[] | undefined {
  const current = node.spec?.taints ?? [];
  const managed = managedTaints(node);
  const isManaged = (taint: Taint): boolean => MANAGED_KEYS.has(taint.key);
  const same = (left: Taint, right: Taint): boolean => left.key === right.key && left.effect === right.effect;
  const kept = current.filter((taint) => !isManaged(taint) || managed.some((wanted) => same(wanted, taint)));
  const added = managed.filter((wanted) => !current.some((taint) => same(wanted, taint)));
  if (kept.length === current.length && added.length === 0) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: now }))];
}

function managedTaints(node: Node): Taint[] {
  const conditions = node.status?.conditions;
  const taints: Taint[] = [];
  const add = (key: string, ...effects: Taint["effect"][]): void => {
    for (const effect of effects) taints.push({ key: `node.kubernetes.io/${key}`, effect });
  };
  const ready = findCondition(conditions, "Ready")?.status;
  if (ready === "Unknown") add("unreachable", "NoSchedule", "NoExecute");
  // A node that has not said anything yet counts as not ready, but nothing is evicted from it.
  else if (ready === undefined) add("not-ready", "NoSchedule");
  else if (ready === "False") add("not-ready", "NoSchedule", "NoExecute");
  const pressures = { MemoryPressure: "memory-pressure", DiskPressure: "disk-pressure", PIDPressure: "pid-pressure" };
  for (const [type, key] of Object.entries(pressures)) {
    if (findCondition(conditions, type)?.status === "True") add(key, "NoSchedule");
  }
  if (findCondition(conditions, "NetworkUnavailable")?.status === "True") add("network-unavailable", "NoSchedule");
  if (node.spec?.unschedulable) add("unschedulable", "NoSchedule");
  return taints;
}
