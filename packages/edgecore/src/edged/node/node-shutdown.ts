import type { Pod } from "@skerry/api";
import { type Clock, type Logger, sleep } from "@skerry/base";
import type { ShutdownGroup } from "../config.ts";
import { isCritical, SYSTEM_CRITICAL } from "../eviction/pod-ranking.ts";

/** A pod that can be ended for the machine's shutdown. */
export interface EndingPod {
  readonly pod: Pod | undefined;
  /** Resolves when it has ended; nothing of it starts any more. */
  shutDown(graceSeconds: number): Promise<void>;
}

/**
 * Ends all pods before the machine goes down: one group after the other, the most important last. A group that is over
 * early does not keep the next waiting; one that is not over in its time does neither.
 * @param signal ends it early: no further group is begun
 */
export async function shutDownPods(
  pods: Iterable<EndingPod>,
  groups: readonly ShutdownGroup[],
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const ascending = [...groups].sort((left, right) => left.priority - right.priority);
  const all = [...pods];
  for (const [index, { graceMs }] of ascending.entries()) {
    if (signal.aborted) return;
    const members = all.filter(({ pod }) => groupOf(pod, ascending) === index);
    const waiting = new AbortController();
    const time = sleep(clock, graceMs, AbortSignal.any([waiting.signal, signal])).then(
      () => "late",
      () => "ended",
    );
    const ended = Promise.all(members.map((member) => member.shutDown(graceMs / 1000))).then(() => "ended");
    if ((await Promise.race([ended, time])) === "late")
      logger.warn("Pods have not ended in the time that they have at a shutdown", { graceMs, pods: members.length });
    waiting.abort();
  }
}

/** Index of the last group that the pod is important enough for; else the first. */
function groupOf(pod: Pod | undefined, ascending: readonly ShutdownGroup[]): number {
  const priority = pod?.spec.priority ?? (pod && isCritical(pod) ? SYSTEM_CRITICAL : 0);
  return Math.max(
    0,
    ascending.findLastIndex((group) => group.priority <= priority),
  );
}
