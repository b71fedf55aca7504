import type { Random } from "@skerry/base";
import type { Transaction } from "@skerry/store";
import type { Outbox } from "../metamanager/meta-store.ts";
import { type DeviceState, stateDocument } from "./device-state.ts";

/** Puts a device's state into the outbox, in the transaction that changes it: while the link is cut the newest waits. */
export class StateReport {
  readonly #outbox: Outbox;
  readonly #random: Random;

  constructor(outbox: Outbox, random: Random) {
    this.#outbox = outbox;
    this.#random = random;
  }

  /** `device/<id>/state/update` (wire.md U26); its content is a text that holds JSON. */
  put(transaction: Transaction, deviceId: string, name: string, state: DeviceState, nowMs: number): void {
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

  /** The device is gone: nobody wants to know any more. */
  forget(transaction: Transaction, deviceId: string): void {
    this.#outbox.remove(transaction, stateKey(deviceId));
  }
}

function stateKey(deviceId: string): string {
  return `devicestate/${deviceId}`;
}
