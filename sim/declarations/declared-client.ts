import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { MemoryBroker } from "@skerry/edgecore/testing";
import { METERED, NAMESPACE } from "../workload/names.ts";

/** What a device's client heard and did, in order. */
export type ClientFact =
  /** A delta: the value that the device is to have. */
  | { readonly kind: "told"; readonly value: string }
  | { readonly kind: "wanted"; readonly value: string }
  /** `code` of a refusal; undefined: it was accepted. */
  | { readonly kind: "answered"; readonly value: string; readonly code: number | undefined }
  /** A user has set the Device's desired value. */
  | { readonly kind: "set"; readonly value: string };

/** A client on the node of a device with declared rules: obeys, and wants values itself. */
export class DeclaredClient {
  readonly facts: ClientFact[] = [];
  readonly #broker: MemoryBroker;
  readonly #topic: string;
  #requests = 0;

  constructor(broker: MemoryBroker, node: string) {
    this.#broker = broker;
    this.#topic = `$hw/events/device/${NAMESPACE}/${METERED.deviceOf(node)}/twin/update`;
    broker.onPublish(({ topic, payload }) => {
      if (topic === `${this.#topic}/delta`) this.#told(payload);
      if (topic === `${this.#topic}/result`) this.#answered(payload);
    });
  }

  /** The value that the device was told last. */
  get lastTold(): string | undefined {
    return this.facts.findLast(({ kind }) => kind === "told")?.value;
  }

  /** Wants a value itself; "" takes its wish back. */
  want(value: string): void {
    this.facts.push({ kind: "wanted", value });
    this.#update(value, { expected: { value } });
  }

  /** The device has what it was told. */
  obey(): void {
    const value = this.lastTold;
    if (value !== undefined) this.#update("", { actual: { value } });
  }

  #update(value: string, property: JsonObject): void {
    const event_id = `${++this.#requests} ${"expected" in property ? "wants" : "has"} ${value}`;
    this.#broker.publish(
      this.#topic,
      JSON.stringify({ event_id, timestamp: 0, twin: { [METERED.desired]: property } }),
    );
  }

  #told(payload: string): void {
    const delta = member(JSON.parse(payload) as JsonValue, "delta");
    const value = member(delta, METERED.desired);
    if (typeof value === "string") this.facts.push({ kind: "told", value });
  }

  #answered(payload: string): void {
    const answer = JSON.parse(payload) as JsonValue;
    const [, value] = / wants (.*)$/.exec(String(member(answer, "event_id"))) ?? [];
    if (value === undefined) return;
    const code = member(answer, "code");
    this.facts.push({ kind: "answered", value, code: typeof code === "number" && code !== 200 ? code : undefined });
  }
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}
