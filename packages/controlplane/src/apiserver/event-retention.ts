import { type Clock, describeError, disposable, type Logger, type Timer } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import { type ApiObject, asJsonObject, objectAt, textAt } from "../registry/api-object.ts";
import type { ApiService } from "../registry/api-service.ts";
import { systemContext } from "../registry/request-context.ts";

const CHECK_EVERY_MS = 5 * 60_000;
/** As long as Kubernetes keeps events. */
const KEEP_MS = 60 * 60_000;
/** More than this are not kept, however young; the oldest go first. */
const EVENT_LIMIT = 5_000;

/** Removes old events from time to time. */
export function startEventRetention(service: ApiService, clock: Clock, logger: Logger): Disposable {
  let timer: Timer | undefined;
  let stopped = false;
  const schedule = (): void => {
    if (stopped) return;
    timer = clock.setTimer(CHECK_EVERY_MS, () => {
      removeOldEvents(service, clock.now())
        .then((count) => {
          if (count > 0) logger.debug("Removed old events", { count });
        })
        .catch((error: unknown) => {
          if (!stopped) logger.warn("Old events could not be removed", { error: describeError(error) });
        })
        .finally(schedule);
    });
  };
  schedule();
  return disposable(() => {
    stopped = true;
    timer?.cancel();
  });
}

/** Removes events that are too old or too many; returns how many. */
export async function removeOldEvents(service: ApiService, nowMs: number): Promise<number> {
  const definition = service.definitionOf({ group: "", version: "v1", resource: "events" });
  const events = service
    .list(definition, undefined, {})
    .items.map((event) => ({ event, lastMs: lastSeenMs(event) }))
    .sort((left, right) => right.lastMs - left.lastMs);
  const old = events.filter(({ lastMs }, index) => index >= EVENT_LIMIT || lastMs < nowMs - KEEP_MS);
  for (const { event } of old) {
    const { namespace = "", name, resourceVersion = "" } = event.metadata;
    try {
      // One that was counted up meanwhile is young again and stays.
      const options = { preconditions: { resourceVersion } };
      await service.delete(systemContext(), { definition, namespace, name }, options);
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
  return old.length;
}

function lastSeenMs(event: ApiObject): number {
  const json = asJsonObject(event);
  const text =
    textAt(objectAt(json, "series"), "lastObservedTime") ||
    textAt(json, "lastTimestamp") ||
    textAt(json, "eventTime") ||
    (event.metadata.creationTimestamp ?? "");
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}
