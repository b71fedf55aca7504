import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/**
 * I13: a container that runs is left alone as long as the edge has its pod and nobody has deleted it, whatever link,
 * EdgeCore, runtime and clock do; and it is never started a second time beside itself.
 */
export function checkContainersRunOn(events: readonly HistoryEvent[]): Violation[] {
  return events.flatMap((event): Violation[] => {
    if (event.kind === "living-container-stopped")
      return [
        {
          invariant: "I13",
          message: `container ${event.containerId} of the living pod ${event.podUid} was ended (${event.call}) at ${event.atMs} ms`,
        },
      ];
    if (event.kind === "container-started" && event.besides.length > 0)
      return [
        {
          invariant: "I13",
          message: `container ${event.containerId} was started at ${event.atMs} ms beside ${event.besides.join()}, which runs`,
        },
      ];
    return [];
  });
}
