import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** How long containers of a deleted pod may take to end, in virtual time while EdgeCore runs: grace and slow calls. */
const END_LIMIT_MS = 20_000;

/**
 * I4: after the edge has committed that a pod's UID is deleted, the pod is not stored again, nobody asks for the start of
 * a container of it, and whatever of it runs ends soon. (A ConfigMap may come back under its UID when a pod of the node
 * needs it again. A restored backup of either side knows nothing of it.)
 */
export function checkDeletedNeverRunsAgain(events: readonly HistoryEvent[]): Violation[] {
  const deleted = new Set<string>();
  const runsSinceMs = new Map<string, number>();
  const violations: Violation[] = [];
  const violate = (message: string): void => void violations.push({ invariant: "I4", message });
  for (const event of events) {
    switch (event.kind) {
      case "database-restored":
      case "cloud-restored":
        deleted.clear();
        break;
      case "object-deleted":
        deleted.add(event.uid);
        break;
      case "object-stored":
        if (event.key.includes("/pod/") && deleted.has(event.uid))
          violate(`${event.key} (${event.uid}) was stored again after its deletion`);
        break;
      case "container-start-asked":
        if (deleted.has(event.podUid))
          violate(`a start of ${event.containerId} of deleted pod ${event.podUid} was asked for at ${event.atMs} ms`);
        break;
      case "edge-started":
      case "machine-troubled":
        // Its time begins anew.
        runsSinceMs.clear();
        break;
      case "deleted-pod-runs": {
        if (!deleted.has(event.podUid)) break;
        const sinceMs = runsSinceMs.get(event.containerId) ?? event.atMs;
        runsSinceMs.set(event.containerId, sinceMs);
        if (event.atMs - sinceMs > END_LIMIT_MS)
          violate(`${event.containerId} of deleted pod ${event.podUid} still ran at ${event.atMs} ms`);
        break;
      }
    }
  }
  return violations;
}
