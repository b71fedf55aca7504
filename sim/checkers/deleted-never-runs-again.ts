import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/**
 * I4: after the edge has committed that a pod's UID is deleted, the pod is not stored again and no container of it
 * starts. (A ConfigMap may come back under its UID when a pod of the node needs it again.)
 */
export function checkDeletedNeverRunsAgain(events: readonly HistoryEvent[]): Violation[] {
  const deleted = new Set<string>();
  const violations: Violation[] = [];
  for (const event of events) {
    if (event.kind === "object-deleted") deleted.add(event.uid);
    if (event.kind === "object-stored" && event.key.includes("/pod/") && deleted.has(event.uid)) {
      violations.push({ invariant: "I4", message: `${event.key} (${event.uid}) was stored again after its deletion` });
    }
    if (event.kind === "container-started" && deleted.has(event.podUid)) {
      violations.push({
        invariant: "I4",
        message: `container ${event.container} of deleted pod ${event.podUid} started at ${event.atMs} ms`,
      });
    }
  }
  return violations;
}
