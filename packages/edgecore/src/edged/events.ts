import type { Event, ObjectReference } from "@skerry/api";
import { type Clock, describeError, type JsonObject, type Logger, toKubernetesTime } from "@skerry/base";
import type { MetaClient } from "../metamanager/meta-store.ts";

/** The same event again within this time is counted, not sent. */
const REPEAT_WINDOW_MS = 60_000;
const REMEMBERED_LIMIT = 500;
const MESSAGE_LIMIT = 1024;

export type EventType = "Normal" | "Warning";

/** What differs between a node's events about one object. */
type ToldEvent = Pick<Event, "type" | "reason" | "message" | "firstTimestamp" | "count">;

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
    const shown = shownMessage(message);
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

    const { firstTimestamp, count } = memory;
    this.#send("insert", about, this.#newName(about, nowMs), { type, reason, message: shown, firstTimestamp, count });
  }

  /** Something that goes on: with each message that it is given the same event says how it is now, its count growing. */
  ongoing(about: ObjectReference, type: EventType, reason: string): (message: string) => void {
    let name: string | undefined;
    let firstTimestamp = "";
    let count = 0;
    return (message) => {
      const nowMs = this.#clock.now();
      name ??= this.#newName(about, nowMs);
      if (count === 0) firstTimestamp = toKubernetesTime(nowMs);
      const operation = count === 0 ? "insert" : "update";
      count++;
      this.#send(operation, about, name, { type, reason, message: shownMessage(message), firstTimestamp, count });
    };
  }

  /** The time and a running number make it unique across restarts, as client-go's do. */
  #newName(about: ObjectReference, nowMs: number): string {
    return `${about.name ?? "unknown"}.${(nowMs * 1000 + (this.#sequence++ % 1000)).toString(16)}`;
  }

  #send(operation: "insert" | "update", about: ObjectReference, name: string, told: ToldEvent): void {
    const namespace = about.namespace ?? "default";
    const key = `event/${namespace}/${name}`;
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: about,
      ...told,
      source: { component: "kubelet", host: this.#nodeName },
      lastTimestamp: toKubernetesTime(this.#clock.now()),
      eventTime: null,
      reportingComponent: "kubelet",
      reportingInstance: this.#nodeName,
    };
    this.#meta
      .transaction((transaction) => {
        // What still waits is replaced by this. Where it is on its way just now the cloud has the event already, and takes
        // the one with the higher count.
        const isWaiting = this.#meta.outbox.has(transaction, key);
        this.#meta.outbox.put(transaction, {
          key,
          source: "edged",
          group: "meta",
          operation: isWaiting ? "insert" : operation,
          resource: `${namespace}/event/${name}`,
          content: event as unknown as JsonObject,
        });
      })
      .catch((error: unknown) =>
        this.#logger.warn("An event could not be stored", { reason: told.reason, error: describeError(error) }),
      );
  }
}

function shownMessage(message: string): string {
  return message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)} …` : message;
}
