import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** How long an older session at another CloudCore may take to find that it is over: a period of its lease, and a dead link. */
const LIMIT_MS = 15_000;

/** The history's word for the end of all faults. */
const FAULTS_OVER = "none any more";

/**
 * I11: at most one live session a node. Two CloudCores may believe in one each only for as long as the older one takes to
 * find out; while its API server does not answer truly, it cannot. That the older one's writes are refused is seen by
 * what the API shows (I1, I7).
 */
export function checkOneSessionANode(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = [];
  let isDouble = false;
  /** Faults of API servers that last. */
  let troubles = 0;
  let sinceMs: number | undefined;
  const close = (atMs: number): void => {
    if (sinceMs !== undefined && atMs - sinceMs > LIMIT_MS)
      violations.push({
        invariant: "I11",
        message: `sessions at two CloudCores lived side by side from ${sinceMs} to ${atMs} ms`,
      });
    sinceMs = undefined;
  };
  for (const event of events) {
    if (event.kind === "sessions") isDouble = event.clouds.length > 1;
    else if (event.kind === "api-troubled") troubles = Math.max(0, troubles + (event.isOn ? 1 : -1));
    else if (event.kind === "fault" && event.what === FAULTS_OVER) troubles = 0;
    else continue;
    if (!isDouble || troubles > 0) close(event.atMs);
    else sinceMs ??= event.atMs;
  }
  close(events.at(-1)?.atMs ?? 0);
  return violations;
}
