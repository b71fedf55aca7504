import { type Pod, pods } from "@skerry/api";
import type { HistoryEvent } from "../world/history.ts";
import type { FinalState } from "./both-sides-equal.ts";
import type { Violation } from "./violation.ts";

/**
 * How long containers may run whose pod nothing at the edge knows, after the cloud is there: Edged gives it two minutes to
 * send the pod, since the database may have been lost; then they are ended.
 */
export const UNKNOWN_PODS_LIMIT_MS = 150_000;

/**
 * Whether the container is of a pod that the edge cannot know of: it was started before the edge's database was replaced
 * by an older copy, which did not have the pod, and nobody has sent the pod since.
 */
export function isUnknownToCopy(
  events: readonly HistoryEvent[],
  { uid, id }: { readonly uid: string; readonly id: string },
): boolean {
  const restored = events.findLastIndex(({ kind }) => kind === "database-restored");
  const wasThere = events
    .slice(0, Math.max(restored, 0))
    .some((event) => event.kind === "container-start-asked" && event.podUid === uid && event.containerId === id);
  const isKnown = events
    .slice(restored + 1)
    .some(
      (event) =>
        (event.kind === "edge-started" && event.knownPods.includes(uid)) ||
        (event.kind === "object-stored" && event.uid === uid),
    );
  return wasThere && !isKnown;
}

/** I1, of pods that neither the cloud has nor the edge can know: once their time is over, nothing of them runs. */
export async function checkUnknownPodsEnd({ api, nodeName, running, events }: FinalState): Promise<Violation[]> {
  const { items } = await api.list<Pod>({ resource: pods });
  const known = new Set(items.filter(({ spec }) => spec.nodeName === nodeName).map(({ metadata }) => metadata.uid));
  return running
    .filter((container) => !known.has(container.uid) && isUnknownToCopy(events, container))
    .map(({ id }) => ({
      invariant: "I1",
      message: `container ${id} of a pod that ${nodeName}'s restored database did not know still runs`,
    }));
}
