import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** How long a restarted edge may take to run what it knew, in virtual time. */
const RESTART_LIMIT_MS = 10_000;

/** I10: after a restart, the known workloads run again in time, whatever the network does. */
export function checkRestartNeedsNoNetwork(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = [];
  let waiting: (HistoryEvent & { kind: "edge-started" }) | undefined;
  for (const event of events) {
    if (waiting && event.atMs - waiting.atMs > RESTART_LIMIT_MS && event.kind !== "known-pods-running") {
      violations.push({
        invariant: "I10",
        message: `started at ${waiting.atMs} ms with the link ${waiting.linkUp ? "up" : "down"}, but what it knew did not run again within ${RESTART_LIMIT_MS} ms`,
      });
      waiting = undefined;
    }
    // Without runtime or disk nothing can be started: the time begins anew.
    if (waiting && event.kind === "machine-troubled") waiting = { ...waiting, atMs: event.atMs };
    if (event.kind === "edge-started") waiting = event;
    if (event.kind === "edge-stopped" || event.kind === "known-pods-running") waiting = undefined;
  }
  return violations;
}
