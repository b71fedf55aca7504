import { isJsonObject, type JsonValue } from "@skerry/base";
import type { MemoryBroker } from "@skerry/edgecore/testing";
import type { NodeHistory } from "../world/history.ts";
import { METERED, NAMESPACE } from "./names.ts";

/** A device's client on MQTT: reports values and notes which of them were accepted, and what it is told is desired. */
export class TwinClient {
  readonly #broker: MemoryBroker;
  readonly #history: NodeHistory;
  readonly #device: string;
  readonly #topic: string;
  readonly #waiting = new Set<string>();

  constructor(broker: MemoryBroker, node: string, history: NodeHistory) {
    this.#broker = broker;
    this.#history = history;
    this.#device = METERED.deviceOf(node);
    this.#topic = `$hw/events/device/${NAMESPACE}/${this.#device}/twin/update`;
    broker.onPublish(({ topic, payload }) => {
      if (topic === `${this.#topic}/delta`) this.#told(payload);
      if (topic === `${this.#topic}/result`) this.#answered(payload);
    });
  }

  report(value: string): void {
    this.#waiting.add(value);
    this.#history.add({ kind: "twin-reported", device: this.#device, value });
    const payload = { event_id: value, timestamp: 0, twin: { [METERED.reported]: { actual: { value } } } };
    this.#broker.publish(this.#topic, JSON.stringify(payload));
  }

  #answered(payload: string): void {
    const result = JSON.parse(payload) as JsonValue;
    if (!isJsonObject(result)) return;
    const value = String(result["event_id"]);
    const isAccepted = result["code"] === undefined || result["code"] === 200 || result["code"] === 0;
    if (isAccepted && this.#waiting.delete(value))
      this.#history.add({ kind: "twin-accepted", device: this.#device, value });
  }

  #told(payload: string): void {
    const document = JSON.parse(payload) as JsonValue;
    const delta = isJsonObject(document) ? document["delta"] : undefined;
    const value = isJsonObject(delta) ? delta[METERED.desired] : undefined;
    if (typeof value === "string") this.#history.add({ kind: "desired-told", device: this.#device, value });
  }
}
