import { compareResourceVersions } from "@skerry/kube";
import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/**
 * I2: for each object (by UID) the version seen at the edge never goes back, except to a restored backup: of its own
 * database from then on, of the cluster once the node has forgotten its versions. What was under way from the cluster
 * of before may come until then.
 */
export function checkVersionNeverGoesBack(events: readonly HistoryEvent[]): Violation[] {
  const newest = new Map<string, string>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind === "database-restored" || event.kind === "versions-forgotten") newest.clear();
    if (event.kind !== "object-stored") continue;
    const before = newest.get(event.uid);
    if (before !== undefined && compareResourceVersions(event.version, before) < 0) {
      violations.push({
        invariant: "I2",
        message: `${event.key} (${event.uid}) went back from version ${before} to ${event.version} at ${event.atMs} ms`,
      });
    }
    newest.set(event.uid, event.version);
  }
  return violations;
}
