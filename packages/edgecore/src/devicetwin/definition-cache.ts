import type { MetaStore } from "../metamanager/meta-store.ts";
import { type DeviceDefinition, readDeviceDefinition } from "./device-definition.ts";
import { storedDevice, storedModel } from "./stored-device.ts";

/** Definitions kept in memory; a node with more devices than that reads and parses the others each time. */
const LIMIT = 2_000;

/** What Devices and their models say, read from the store once and not with each value that a device reports. */
export class DefinitionCache {
  readonly #meta: MetaStore;
  readonly #definitions = new Map<string, DeviceDefinition>();

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  /** Undefined while only the membership of the device is known. */
  get(deviceId: string): DeviceDefinition | undefined {
    const known = this.#definitions.get(deviceId);
    if (known !== undefined) return known;
    const device = storedDevice(this.#meta, deviceId);
    if (device === undefined) return undefined;
    const definition = readDeviceDefinition(device, storedModel(this.#meta, device));
    if (this.#definitions.size < LIMIT) this.#definitions.set(deviceId, definition);
    return definition;
  }

  /** The Device has changed or is gone. */
  forget(deviceId: string): void {
    this.#definitions.delete(deviceId);
  }

  /** A model has changed, which any device may have. */
  forgetAll(): void {
    this.#definitions.clear();
  }
}
