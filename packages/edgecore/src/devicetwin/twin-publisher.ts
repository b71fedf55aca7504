import type { JsonObject } from "@skerry/base";
import type { DeviceBus } from "./device-bus.ts";
import { deviceTopic, olderCall } from "./device-topic.ts";
import { changeDocument, type DocumentHead, delta, onceDelta } from "./twin-document.ts";
import type { PropertyChange, Twin } from "./twin-property.ts";

/**
 * Publishes what happened to a twin and what its device still has to do. Clients that call a device by its name alone, as
 * in KubeEdge's older examples, get it on their topics too: where one has been heard, or the Device was written so.
 */
export class TwinPublisher {
  readonly #bus: DeviceBus;
  readonly #newEventId: () => string;
  readonly #onPending: (deviceId: string) => void;
  /** Devices that have such clients; at most as many as there are devices. */
  readonly #calledByName = new Set<string>();

  /** `onPending` hears of a device that is to be given something at most once. */
  constructor(bus: DeviceBus, newEventId: () => string, onPending: (deviceId: string) => void) {
    this.#bus = bus;
    this.#newEventId = newEventId;
    this.#onPending = onPending;
  }

  /** Clients of a known device call it by its name alone. */
  calledByName(deviceId: string): void {
    this.#calledByName.add(deviceId);
  }

  /** The device is no longer this node's. */
  forget(deviceId: string): void {
    this.#calledByName.delete(deviceId);
  }

  /** What follows a committed change: the document, when anything changed, then the delta. */
  changed(deviceId: string, changes: readonly PropertyChange[], twin: Twin, head: DocumentHead): void {
    if (changes.length > 0) this.#publish(deviceId, "twin/update/document", changeDocument(head, changes));
    this.delta(deviceId, twin, head.timestampMs);
    if (changes.some(({ after }) => after.effect === "pending")) this.#onPending(deviceId);
  }

  /** The delta of what may take effect at most once. Returns whether it left. */
  once(deviceId: string, twin: Twin, nowMs: number): boolean {
    const document = onceDelta({ eventId: this.#newEventId(), timestampMs: nowMs }, twin);
    if (document === null) return true;
    // On one topic only: who listens on both would take it for two.
    const name = this.#calledByName.has(deviceId) ? olderCall(deviceId) : undefined;
    return this.#bus.publishOnce(deviceTopic(name ?? deviceId, "twin/update/delta"), JSON.stringify(document));
  }

  /** `twin/update/delta`, if there is any; it has an event id of its own. */
  delta(deviceId: string, twin: Twin, nowMs: number): void {
    const document = delta({ eventId: "", timestampMs: nowMs }, twin);
    if (document === null) return;
    this.#publish(deviceId, "twin/update/delta", { ...document, event_id: this.#newEventId() });
  }

  #publish(deviceId: string, rest: string, document: JsonObject): void {
    const text = JSON.stringify(document);
    this.#bus.publish(deviceTopic(deviceId, rest), text);
    const name = this.#calledByName.has(deviceId) ? olderCall(deviceId) : undefined;
    if (name !== undefined) this.#bus.publish(deviceTopic(name, rest), text);
  }
}
