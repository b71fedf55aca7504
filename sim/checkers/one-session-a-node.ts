import type { HistoryEvent, ObservedSession } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** How long an older session at another CloudCore may take to find that it is over: a period of its lease, and a dead link. */
const LIMIT_MS = 15_000;

/** The history's word for the end of all faults. */
const FAULTS_OVER = "none any more";

/**
 * I11: at most one live session a node. Two CloudCores may believe in one each only for as long as the older one takes to
 * find out; while its API server does not answer truly, it cannot. Each session has that long for itself, from the first
 * look at which a newer one stands beside it: a node that dials again may become the newer one in its turn. That the
 * older one's writes are refused is seen by what the API shows (I1, I7).
 */
export function checkOneSessionANode(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = [];
  /** The CloudCore of each session that is not the newest, and since when. */
  const outdated = new Map<string, { readonly cloud: string; readonly sinceMs: number }>();
  let sessions: readonly ObservedSession[] = [];
  /** Faults of API servers that last. */
  let troubles = 0;
  const look = (now: readonly ObservedSession[], atMs: number): void => {
    const byAge = now.toSorted((a, b) => a.openedAtMs - b.openedAtMs);
    const older = new Map(byAge.slice(0, -1).map((session) => [keyOf(session), session]));
    for (const [key, { cloud, sinceMs }] of outdated) {
      if (older.has(key)) continue;
      outdated.delete(key);
      if (atMs - sinceMs > LIMIT_MS)
        violations.push({
          invariant: "I11",
          message: `${cloud} believed in a session from ${sinceMs} to ${atMs} ms beside a newer one at another CloudCore`,
        });
    }
    for (const [key, { cloud }] of older) if (!outdated.has(key)) outdated.set(key, { cloud, sinceMs: atMs });
  };
  for (const event of events) {
    if (event.kind === "sessions") sessions = event.sessions;
    else if (event.kind === "api-troubled") troubles = Math.max(0, troubles + (event.isOn ? 1 : -1));
    else if (event.kind === "fault" && event.what === FAULTS_OVER) troubles = 0;
    else continue;
    look(troubles > 0 ? [] : sessions, event.atMs);
  }
  look([], events.at(-1)?.atMs ?? 0);
  return violations;
}

function keyOf({ cloud, openedAtMs }: ObservedSession): string {
  return `${cloud} ${openedAtMs}`;
}
