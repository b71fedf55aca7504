import type { DeviceBus } from "./device-bus.ts";
import { deviceTopic } from "./device-topic.ts";
import { changeDocument, type DocumentHead, delta } from "./twin-document.ts";
import type { PropertyChange, Twin } from "./twin-property.ts";

/** Publishes what happened to a twin and what its device still has to do. */
export class TwinPublisher {
  readonly #bus: DeviceBus;
  readonly #newEventId: () => string;

  constructor(bus: DeviceBus, newEventId: () => string) {
    this.#bus = bus;
    this.#newEventId = newEventId;
  }

  /** `twin/update/document`. */
  document(deviceId: string, changes: readonly PropertyChange[], head: DocumentHead): void {
    const document = changeDocument(head, changes);
    this.#bus.publish(deviceTopic(deviceId, "twin/update/document"), JSON.stringify(document));
  }

  /** What follows a committed update of a client: the document, when anything changed, then the delta. */
  changed(deviceId: string, changes: readonly PropertyChange[], twin: Twin, head: DocumentHead): void {
    if (changes.length > 0) this.document(deviceId, changes, head);
    this.delta(deviceId, twin, head.timestampMs);
  }

  /** `twin/update/delta`, if there is any; it has an event id of its own. */
  delta(deviceId: string, twin: Twin, nowMs: number): void {
    const document = delta({ eventId: "", timestampMs: nowMs }, twin);
    if (document === null) return;
    const named = { ...document, event_id: this.#newEventId() };
    this.#bus.publish(deviceTopic(deviceId, "twin/update/delta"), JSON.stringify(named));
  }
}
