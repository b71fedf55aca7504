import type { Event, ObjectReference } from "@skerry/api";
import { type Clock, describeError, type JsonObject, type Logger, toKubernetesTime } from "@skerry/base";
import type { MetaClient } from "../metamanager/meta-store.ts";

/** The same event again within this time is counted, not sent. */
const REPEAT_WINDOW_MS = 60_000;
const REMEMBERED_LIMIT = 500;
const MESSAGE_LIMIT = 1024;

export type EventType = "Normal" | "Warning";

interface Remembered {
  sentAtMs: number;
  firstTimestamp: string;
  count: number;
}

/**
 * Tells the user what happens to pods and the node: Kubernetes Events, sent through the outbox (U21), which bounds how many
 * wait there and counts what it drops.
 */
export class EventRecorder {
  readonly #meta: MetaClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #nodeName: string;
  readonly #remembered = new Map<string, Remembered>();
  #sequence = 0;

  constructor(meta: MetaClient, clock: Clock, logger: Logger, nodeName: string) {
    this.#meta = meta;
    this.#clock = clock;
    this.#logger = logger;
    this.#nodeName = nodeName;
  }

  /** Records an event about an object; never waits and never fails. */
  record(about: ObjectReference, type: EventType, reason: string, message: string): void {
    const nowMs = this.#clock.now();
    const shown = message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)} …` : message;
    const identity = JSON.stringify([about.uid, about.fieldPath, type, reason, shown]);
    const repeated = this.#remembered.get(identity);
    if (repeated) {
      repeated.count++;
      if (Math.abs(nowMs - repeated.sentAtMs) < REPEAT_WINDOW_MS) return;
    }
    const time = toKubernetesTime(nowMs);
    const memory = repeated ?? { sentAtMs: nowMs, firstTimestamp: time, count: 1 };
    memory.sentAtMs = nowMs;
    this.#remembered.delete(identity);
    this.#remembered.set(identity, memory);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > REMEMBERED_LIMIT && !oldest.done) this.#remembered.delete(oldest.value);

    const namespace = about.namespace ?? "default";
    // The time and a running number make the name unique across restarts, as client-go's do.
    const name = `${about.name ?? "unknown"}.${(nowMs * 1000 + (this.#sequence++ % 1000)).toString(16)}`;
    this.#send(namespace, name, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: about,
      reason,
      message: shown,
      source: { component: "kubelet", host: this.#nodeName },
      firstTimestamp: memory.firstTimestamp,
      lastTimestamp: time,
      count: memory.count,
      type,
      eventTime: null,
      reportingComponent: "kubelet",
      reportingInstance: this.#nodeName,
    });
  }

  #send(namespace: string, name: string, event: Event): void {
    this.#meta
      .transaction((transaction) =>
        this.#meta.outbox.put(transaction, {
          key: `event/${namespace}/${name}`,
          source: "edged",
          group: "meta",
          operation: "insert",
          resource: `${namespace}/event/${name}`,
          content: event as unknown as JsonObject,
        }),
      )
      .catch((error: unknown) =>
        this.#logger.warn("An event could not be stored", { reason: event.reason, error: describeError(error) }),
      );
  }
}
