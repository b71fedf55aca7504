import type { Container, Pod } from "@skerry/api";
import { type Logger, type Mutex, throwIfAborted, unlessAborted } from "@skerry/base";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { choiceOf, take } from "./device-choice.ts";
import { assign, assignmentsOf, type Held, heldDevices } from "./device-tables.ts";
import { devicesUnavailable } from "./errors.ts";
import type { PluginClient } from "./plugin-client.ts";

/** What the allocator runs on. */
export interface DeviceAllocatorPorts {
  readonly meta: Pick<MetaClient, "read" | "transaction">;
  readonly logger: Logger;
  /** Whether the pod of this UID may still use what it has. */
  readonly isActive: (podUid: string) => boolean;
}

/** One resource, as containers get of it. */
export interface DeviceOffer {
  readonly name: string;
  /** Undefined: its plugin has gone, or has not come back after a start. */
  readonly plugin: PluginClient | undefined;
  /** Whether each device works, by id; undefined until the plugin has told for the first time since the start. */
  readonly health: ReadonlyMap<string, boolean> | undefined;
  /** Held while devices are chosen and given. */
  readonly allocating: Mutex;
}

/** Gives devices to containers, and remembers who has which. */
export class DeviceAllocator {
  readonly #ports: DeviceAllocatorPorts;

  constructor(ports: DeviceAllocatorPorts) {
    this.#ports = ports;
  }

  /**
   * What the container has of the resource already, or else gets now: encoded ContainerAllocateResponse.
   * @throws `EDGED_DEVICES_UNAVAILABLE`, `EDGED_DEVICE_PLUGIN_FAILED`, the signal's reason
   */
  async provide(
    pod: Pod,
    container: Container,
    offer: DeviceOffer,
    count: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const allocate = async (): Promise<Held> => {
      throwIfAborted(signal);
      return this.#held(pod, container, offer) ?? (await this.#allocate(pod, container, offer, count, signal));
    };
    // One after the other, so that no device is given twice. A plugin that hangs delays new devices of its resource only.
    const { devices, answer } =
      this.#held(pod, container, offer) ?? (await unlessAborted(signal, offer.allocating.run(allocate)));
    const { plugin } = offer;
    if (plugin?.options.preStartRequired) await plugin.preStart(devices, signal);
    return answer;
  }

  #held(
    { metadata: { uid = "" } }: Pod,
    container: Container,
    { name, plugin, health }: DeviceOffer,
  ): Held | undefined {
    const held = this.#ports.meta.read((reader) => heldDevices(reader, name, uid, container.name));
    const broken = plugin && health ? held?.devices.find((id) => health.get(id) !== true) : undefined;
    if (broken !== undefined)
      throw devicesUnavailable(name, `the device ${broken}, which the container had, does not work now`);
    return held;
  }

  async #allocate(
    pod: Pod,
    container: Container,
    { name, plugin, health }: DeviceOffer,
    count: number,
    signal: AbortSignal,
  ): Promise<Held> {
    const { meta, logger, isActive } = this.#ports;
    if (!plugin || !health) throw devicesUnavailable(name, "its device plugin does not run");
    const podUid = pod.metadata.uid ?? "";
    const all = meta.read((reader) => assignmentsOf(reader, name));
    const active = all.filter((each) => each.podUid === podUid || isActive(each.podUid));
    const choice = choiceOf(pod, container, health, active);
    const { available, ownFirst } = choice;
    if (available.length < count)
      throw devicesUnavailable(name, `${count} asked for, ${available.length} of ${health.size} are free and work`);
    const isChoice = plugin.options.getPreferredAllocationAvailable && available.length > count;
    const preferred = isChoice ? await plugin.preferred(available, ownFirst.slice(0, count), count, signal) : [];
    const devices = take(choice, preferred, count);
    const held = { devices, answer: await plugin.allocate(devices, signal) };
    await meta.transaction((transaction) => assign(transaction, name, { podUid, container: container.name }, held));
    logger.info("A container gets devices", {
      pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
      container: container.name,
      resource: name,
      devices: devices.join(" "),
    });
    return held;
  }
}
