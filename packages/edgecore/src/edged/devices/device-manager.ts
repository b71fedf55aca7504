import type { Container, Pod } from "@skerry/api";
import { type Clock, describeError, type Logger, Mutex, type Timer } from "@skerry/base";
import { quantityToNumber } from "@skerry/kube";
import type { MetaClient } from "../../metamanager/meta-store.ts";
import { type ContainerDevices, type DeviceCount, deviceLimits, type GivenDevices } from "./container-devices.ts";
import { choiceOf, take } from "./device-choice.ts";
import { type Assignment, assign, assignmentsOf, knownResources, rememberResource } from "./device-tables.ts";
import { devicesUnavailable, pluginRefused } from "./errors.ts";
import { givenDevices } from "./given-devices.ts";
import { PluginClient, type PluginTransport } from "./plugin-client.ts";
import { pluginRegistration } from "./plugin-registration.ts";

/** What the manager runs on. */
export interface DeviceManagerPorts {
  readonly meta: Pick<MetaClient, "read" | "transaction">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the pod of this UID may still use what it has. */
  readonly isActive: (podUid: string) => boolean;
  /** There are other devices than before. */
  readonly changed: () => void;
}

const MAXIMUM_RESOURCES = 64;
/** So long the node still says how many devices there were when their plugin has gone; the kubelet's time. */
const FORGOTTEN_AFTER_MS = 5 * 60_000;
/** So long after a start plugins may take to come back before the node says that there are no devices. */
const RETURN_MS = 60_000;

/** One resource: who offers it, and what there is of it. */
interface Offer {
  readonly name: string;
  /** Undefined: its plugin has gone, or has not come back after a start. */
  plugin: PluginClient | undefined;
  /** Whether each device works, by id; undefined until the plugin has told for the first time since the start. */
  health: ReadonlyMap<string, boolean> | undefined;
  /** Runs out when the devices are to be forgotten. */
  timer: Timer | undefined;
  readonly allocating: Mutex;
}

/** Gives the devices that plugins offer to containers, and remembers who has which. */
export class DeviceManager implements ContainerDevices, AsyncDisposable {
  readonly #ports: DeviceManagerPorts;
  readonly #offers = new Map<string, Offer>();
  #isStopped = false;
  readonly #watching = new Set<Promise<void>>();

  constructor(ports: DeviceManagerPorts) {
    this.#ports = ports;
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
    if (!this.#offers.has(resource) && this.#offers.size >= MAXIMUM_RESOURCES)
      throw pluginRefused(`plugins have offered ${MAXIMUM_RESOURCES} resources on this node already`);
    const offer = this.#offer(resource);
    await meta.transaction((transaction) => rememberResource(transaction, resource));
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
      // One after the other, so that no device is given twice; a plugin that hangs delays its own resource only.
      answers.push(await offer.allocating.run(() => this.#assigned(pod, container, offer, count, signal)));
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
    try {
      await plugin.watch((health) => {
        if (offer.plugin !== plugin) return;
        offer.timer?.cancel();
        offer.health = health;
        this.#ports.changed();
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
    });
  }

  /** What the container has of the resource already, or else gets now. */
  async #assigned(
    pod: Pod,
    container: Container,
    offer: Offer,
    count: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { meta, isActive } = this.#ports;
    const podUid = pod.metadata.uid ?? "";
    const { plugin, health } = offer;
    const all = meta.read((reader) => assignmentsOf(reader, offer.name));
    const active = all.filter((each) => each.podUid === podUid || isActive(each.podUid));
    const known = active.find((each) => each.podUid === podUid && each.container === container.name);
    const broken = plugin && health ? known?.devices.find((id) => health.get(id) !== true) : undefined;
    if (broken !== undefined)
      throw devicesUnavailable(offer.name, `the device ${broken}, which the container had, does not work now`);
    const assignment = known ?? (await this.#allocate(pod, container, offer, { count, active, signal }));
    if (plugin?.options.preStartRequired) await plugin.preStart(assignment.devices, signal);
    return assignment.answer;
  }

  async #allocate(
    pod: Pod,
    container: Container,
    { name, plugin, health }: Offer,
    { count, active, signal }: { count: number; active: readonly Assignment[]; signal: AbortSignal },
  ): Promise<Assignment> {
    const { meta, logger } = this.#ports;
    if (!plugin || !health) throw devicesUnavailable(name, "its device plugin does not run");
    const choice = choiceOf(pod, container, health, active);
    const { available, ownFirst } = choice;
    if (available.length < count)
      throw devicesUnavailable(name, `${count} asked for, ${available.length} of ${health.size} are free and work`);
    const isChoice = plugin.options.getPreferredAllocationAvailable && available.length > count;
    const preferred = isChoice ? await plugin.preferred(available, ownFirst.slice(0, count), count, signal) : [];
    const devices = take(choice, preferred, count);
    const answer = await plugin.allocate(devices, signal);
    const assignment = { podUid: pod.metadata.uid ?? "", container: container.name, devices, answer };
    await meta.transaction((transaction) => assign(transaction, name, assignment));
    logger.info("A container gets devices", {
      pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
      container: container.name,
      resource: name,
      devices: devices.join(" "),
    });
    return assignment;
  }
}
