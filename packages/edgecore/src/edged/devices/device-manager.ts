import type { Container, Pod } from "@skerry/api";
import { type Clock, describeError, Mutex, type Timer } from "@skerry/base";
import { quantityToNumber } from "@skerry/kube";
import { type ContainerDevices, type DeviceCount, deviceLimits, type GivenDevices } from "./container-devices.ts";
import { DeviceAllocator, type DeviceAllocatorPorts, type DeviceOffer } from "./device-allocator.ts";
import { assignmentsOf, forgetResource, knownResources, rememberResource } from "./device-tables.ts";
import { devicesUnavailable, pluginRefused } from "./errors.ts";
import { givenDevices } from "./given-devices.ts";
import { PluginClient, type PluginTransport } from "./plugin-client.ts";
import { pluginRegistration } from "./plugin-registration.ts";

/** What the manager runs on. */
export interface DeviceManagerPorts extends DeviceAllocatorPorts {
  readonly clock: Clock;
  /** There are other devices than before. */
  readonly changed: () => void;
}

/** Resources that are offered, or were until a short time ago. */
const MAXIMUM_RESOURCES = 64;
/** So long the node still says how many devices there were when their plugin has gone; the kubelet's time. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;
/** So long after a start plugins may take to come back before the node says that there are no devices. */
const RETURN_MS = 60_000;

/** One resource: who offers it, and what there is of it. */
interface Offer extends DeviceOffer {
  plugin: PluginClient | undefined;
  health: ReadonlyMap<string, boolean> | undefined;
  /** Runs out when the devices are to be forgotten. */
  timer: Timer | undefined;
}

/** Knows what plugins offer, tells how much there is, and gives it to containers. */
export class DeviceManager implements ContainerDevices, AsyncDisposable {
  readonly #ports: DeviceManagerPorts;
  readonly #allocator: DeviceAllocator;
  readonly #offers = new Map<string, Offer>();
  #isStopped = false;
  readonly #watching = new Set<Promise<void>>();

  constructor(ports: DeviceManagerPorts) {
    this.#ports = ports;
    this.#allocator = new DeviceAllocator(ports);
    for (const name of ports.meta.read(knownResources)) this.#forgetLater(this.#offer(name), RETURN_MS);
  }

  get counts(): ReadonlyMap<string, DeviceCount> {
    const counts = new Map<string, DeviceCount>();
    for (const { name, health } of this.#offers.values()) {
      if (!health) continue;
      const healthy = [...health.values()].filter((isHealthy) => isHealthy);
      counts.set(name, { capacity: health.size, allocatable: healthy.length });
    }
    return counts;
  }

  /**
   * A plugin offers a resource, in the place of another that may have offered it. Its devices are asked for afterwards.
   * @param folder of all plugins' sockets
   * @throws `EDGED_DEVICE_PLUGIN_REFUSED`
   */
  async register(request: Uint8Array, folder: string, transport: PluginTransport): Promise<void> {
    const { meta, logger } = this.#ports;
    const { resource, socketPath, options } = pluginRegistration(request, folder);
    if (!this.#offers.has(resource)) this.#makeRoom();
    this.#offer(resource);
    await meta.transaction((transaction) => rememberResource(transaction, resource));
    const offer = this.#offer(resource); // Another may have needed its room meanwhile.
    const plugin = new PluginClient(transport, socketPath, options);
    const old = offer.plugin;
    offer.plugin = plugin;
    await old?.[Symbol.asyncDispose]();
    logger.info("A device plugin has registered", { resource, socketPath });
    const watching = this.#watch(offer, plugin).finally(() => this.#watching.delete(watching));
    this.#watching.add(watching);
  }

  async provide(pod: Pod, container: Container, signal: AbortSignal): Promise<GivenDevices> {
    const answers: Uint8Array[] = [];
    for (const [resource, quantity] of deviceLimits(container)) {
      const count = quantityToNumber(quantity);
      if (count === 0) continue;
      const offer = this.#offers.get(resource);
      if (!offer) throw devicesUnavailable(resource, "no device plugin offers it on this node");
      answers.push(await this.#allocator.provide(pod, container, offer, count, signal));
    }
    return givenDevices(answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const { timer, plugin } of this.#offers.values()) {
      timer?.cancel();
      await plugin?.[Symbol.asyncDispose]();
    }
    await Promise.allSettled(this.#watching);
  }

  #offer(name: string): Offer {
    const known = this.#offers.get(name);
    if (known) return known;
    const offer = { name, plugin: undefined, health: undefined, timer: undefined, allocating: new Mutex() };
    this.#offers.set(name, offer);
    return offer;
  }

  async #watch(offer: Offer, plugin: PluginClient): Promise<void> {
    const { logger } = this.#ports;
    let why = "it has ended";
    let isFirst = true;
    try {
      await plugin.watch((health) => {
        if (offer.plugin !== plugin) return;
        offer.timer?.cancel();
        // A plugin that has come back may be able to give what it could not give before.
        const isChange = isFirst || !isSameHealth(offer.health, health);
        isFirst = false;
        offer.health = health;
        if (isChange) this.#ports.changed();
      });
    } catch (error) {
      why = describeError(error);
    }
    await plugin[Symbol.asyncDispose]();
    if (this.#isStopped || offer.plugin !== plugin) return;
    logger.warn("A device plugin has gone; its devices go to no new container until it registers again", {
      resource: offer.name,
      why,
    });
    offer.plugin = undefined;
    offer.health = new Map([...(offer.health?.keys() ?? [])].map((id) => [id, false]));
    this.#forgetLater(offer, FORGOTTEN_AFTER_MS);
    this.#ports.changed();
  }

  #forgetLater(offer: Offer, afterMs: number): void {
    offer.timer?.cancel();
    offer.timer = this.#ports.clock.setTimer(afterMs, () => {
      offer.health = new Map();
      this.#ports.changed();
      if (!offer.plugin) void this.#forget(offer.name);
    });
  }

  /** After the next start nothing is said of it any more, unless a container has some of it. */
  async #forget(resource: string): Promise<void> {
    const { meta, logger } = this.#ports;
    try {
      await meta.transaction((transaction) => forgetResource(transaction, resource));
    } catch (error) {
      logger.warn("A resource that no plugin offers any more cannot be forgotten", {
        ...{ resource, error: describeError(error) },
      });
    }
  }

  /**
   * For one more resource; those go whose plugin went long ago and that no container has.
   * @throws `EDGED_DEVICE_PLUGIN_REFUSED`
   */
  #makeRoom(): void {
    if (this.#offers.size < MAXIMUM_RESOURCES) return;
    const assigned = (name: string): unknown[] => this.#ports.meta.read((reader) => assignmentsOf(reader, name));
    const unused = [...this.#offers.values()].find(
      ({ name, plugin, health }) => !plugin && health?.size === 0 && assigned(name).length === 0,
    );
    if (!unused) throw pluginRefused(`plugins offer ${MAXIMUM_RESOURCES} resources on this node already`);
    unused.timer?.cancel();
    this.#offers.delete(unused.name);
    void this.#forget(unused.name);
  }
}

function isSameHealth(old: ReadonlyMap<string, boolean> | undefined, now: ReadonlyMap<string, boolean>): boolean {
  return old?.size === now.size && [...now].every(([id, isHealthy]) => old.get(id) === isHealthy);
}
