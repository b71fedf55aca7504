import type { ConfigSection } from "./config-section.ts";

/** The time that pods have to end when the machine goes down; the least important ones first. */
export interface ShutdownGroup {
  /** Of the pods that are meant: from this on, up to the next group's. */
  readonly priority: number;
  readonly graceMs: number;
}

const CRITICAL_PRIORITY = 2_000_000_000;
const LONGEST_SECONDS = 86_400;

/** The kubelet's `shutdownGracePeriod…`; no group: pods are not ended before the machine goes down. */
export function readShutdown(kubelet: ConfigSection): ShutdownGroup[] {
  const totalMs = kubelet.durationMs("shutdownGracePeriod", 0);
  const criticalMs = kubelet.durationMs("shutdownGracePeriodCriticalPods", 0);
  const byPriority = kubelet.sections("shutdownGracePeriodByPodPriority").map((item) => {
    const priority = item.integer("priority", 0, { minimum: -2_147_483_648, maximum: 2_147_483_647 });
    const seconds = item.integer("shutdownGracePeriodSeconds", 0, { minimum: 0, maximum: LONGEST_SECONDS });
    item.finish();
    return { priority, graceMs: seconds * 1000 };
  });
  if (criticalMs > totalMs)
    kubelet.error(
      "shutdownGracePeriodCriticalPods",
      "must not be longer than shutdownGracePeriod, of which it is a part",
    );
  if (byPriority.length > 0 && totalMs > 0)
    kubelet.error("shutdownGracePeriodByPodPriority", "must not be given together with shutdownGracePeriod");
  if (byPriority.length > 0) return byPriority;
  if (totalMs === 0) return [];
  return [
    { priority: 0, graceMs: totalMs - criticalMs },
    { priority: CRITICAL_PRIORITY, graceMs: criticalMs },
  ];
}
