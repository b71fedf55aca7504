import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** How long an older session at another CloudCore may take to find that it is over: a period of its lease, and a dead link. */
const LIMIT_MS = 15_000;

/**
 * I11: at most one live session a node. Two CloudCores may believe in one each only for as long as the older one takes to
 * find out; while its API server does not answer truly, it cannot. That the older one's writes are refused is seen by
 * what the API shows (I1, I7).
 */
export function checkOneSessionANode(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = [];
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
    if (event.kind === "sessions") {
      if (event.clouds.length < 2) close(event.atMs);
      else sinceMs ??= event.atMs;
    }
    if (event.kind === "api-troubled" && sinceMs !== undefined) {
      close(event.atMs);
      sinceMs = event.atMs;
    }
  }
  close(events.at(-1)?.atMs ?? 0);
  return violations;
}
