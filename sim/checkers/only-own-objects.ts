import type { HistoryEvent } from "../world/history.ts";
import type { Violation } from "./violation.ts";

/** I9, the half of it that a history shows: a node is never given an object that belongs to another node alone. */
export function checkOnlyOwnObjects(events: readonly HistoryEvent[]): Violation[] {
  return events.flatMap((event) =>
    event.kind === "object-stored" && event.owner !== undefined && event.owner !== event.node
      ? [
          {
            invariant: "I9",
            message: `${event.node} was given ${event.key}, which is ${event.owner}'s, at ${event.atMs} ms`,
          },
        ]
      : [],
  );
}
