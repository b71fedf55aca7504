import type { Random } from "@skerry/base";
import type { Transaction } from "@skerry/store";
import type { Outbox } from "../metamanager/meta-store.ts";
import { type DeviceState, stateDocument } from "./device-state.ts";
import { twinReport } from "./twin-document.ts";
import type { TwinProperty } from "./twin-property.ts";

/**
 * Puts what the cloud must learn into the outbox, in the transaction that changes it. One entry per property: while the
 * link is cut the newest value of each is kept, and a property's first value is as safe as any other.
 */
export class CloudReport {
  readonly #outbox: Outbox;
  readonly #random: Random;

  constructor(outbox: Outbox, random: Random) {
    this.#outbox = outbox;
    this.#random = random;
  }

  /** `device/<id>/twin/edge_updated` (wire.md U27). */
  property(transaction: Transaction, deviceId: string, property: TwinProperty, nowMs: number): void {
    this.#outbox.put(transaction, {
      key: propertyKey(deviceId, property.name),
      source: "twin",
      group: "resource",
      operation: "update",
      resource: `device/${deviceId}/twin/edge_updated`,
      content: twinReport({ eventId: this.#random.uuid(), timestampMs: nowMs }, property),
    });
  }

  /** `device/<id>/state/update` (wire.md U26); its content is a text that holds JSON. */
  state(transaction: Transaction, deviceId: string, name: string, state: DeviceState, nowMs: number): void {
    const document = stateDocument({ eventId: this.#random.uuid(), timestampMs: nowMs }, name, state);
    this.#outbox.put(transaction, {
      key: stateKey(deviceId),
      source: "twin",
      group: "resource",
      operation: "update",
      resource: `device/${deviceId}/state/update`,
      content: JSON.stringify(document),
    });
  }

  /** The device is gone: nobody wants its values any more. */
  forget(transaction: Transaction, deviceId: string, propertyNames: Iterable<string>): void {
    for (const name of propertyNames) this.#outbox.remove(transaction, propertyKey(deviceId, name));
    this.#outbox.remove(transaction, stateKey(deviceId));
  }
}

function propertyKey(deviceId: string, propertyName: string): string {
  return `twin/${deviceId}/${propertyName}`;
}

function stateKey(deviceId: string): string {
  return `devicestate/${deviceId}`;
}
