import { describeError, Mutex, type Service, type Timer } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { ObjectChange } from "../metamanager/meta-store.ts";
import { CloudReport } from "./cloud-report.ts";
import { DeviceRegistry } from "./device-registry.ts";
import { DeviceRequests } from "./device-requests.ts";
import { defaultDeviceTwinLimits } from "./limits.ts";
import { readMembership } from "./membership.ts";
import type { DeviceTwinContext, DeviceTwinPorts } from "./ports.ts";
import { TwinPublisher } from "./twin-publisher.ts";

const retryDelayMs = 5_000;

/**
 * The devices of this node and their twins: what the cloud wants of each property and what its device says it is.
 * Everything it accepts is committed together with its report to the cloud, so it survives a crash and a cut link.
 */
export class DeviceTwin implements Service, DownstreamHandler {
  readonly #context: DeviceTwinContext;
  readonly #registry: DeviceRegistry;
  readonly #requests: DeviceRequests;
  readonly #work = new Mutex();
  /** Devices that wait to be brought in line; a set, so that many changes of one device are one work. */
  readonly #dirty = new Set<string>();
  readonly #registrations = new DisposableStack();
  #retryTimer: Timer | undefined;
  #stopped = false;

  constructor(ports: DeviceTwinPorts) {
    const logger = ports.logger.child("devicetwin");
    this.#context = { ...ports, logger, limits: ports.limits ?? defaultDeviceTwinLimits };
    const report = new CloudReport(ports.meta.outbox, ports.random);
    const publisher = new TwinPublisher(ports.bus, () => ports.random.uuid());
    this.#registry = new DeviceRegistry(this.#context, report, publisher);
    this.#requests = new DeviceRequests(this.#context, report, publisher);
  }

  /** Messages on reserved MQTT topics that were ignored so far. */
  get ignoredCount(): number {
    return this.#requests.ignoredCount;
  }

  /** Brings all devices in line with what is stored, without the network, and begins to answer. */
  async start(): Promise<void> {
    const { meta, bus } = this.#context;
    this.#registrations.use(meta.onChange((change) => this.#onObjectChange(change)));
    for (const deviceId of this.#registry.deviceIds()) this.#dirty.add(deviceId);
    await this.#reconcileDirty();
    this.#registrations.use(bus.onDeviceMessage((topic, payload) => this.#requests.handle(topic, payload)));
    this.#registrations.use(bus.onConnected(() => this.#registry.publishDeltas()));
  }

  /** Takes membership messages (wire.md D10, D11); answers to reports are the outbox's business. */
  async handle(message: Message): Promise<void> {
    const { resource = "" } = message.route;
    if (this.#stopped || message.header.parent_msg_id || resource.split("/").at(-1) !== "membership") return;
    const { added, removed } = readMembership(message.content);
    await this.#work.run(async () => {
      for (const member of added) await this.#registry.add(member);
      // Removes only what the store does not hold: the Device's own deletion is what counts.
      for (const member of removed) await this.#registry.reconcile(member.id);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#retryTimer?.cancel();
    this.#registrations.dispose();
    await this.#work.run(async () => {});
  }

  #onObjectChange({ key }: ObjectChange): void {
    if (key.type === "device") this.#dirty.add(`${key.namespace}/${key.name}`);
    else if (key.type === "devicemodel")
      for (const deviceId of this.#registry.deviceIdsOfModel(key.namespace, key.name)) this.#dirty.add(deviceId);
    else return;
    void this.#reconcileDirty();
  }

  /** The disk is full or the like; nothing is lost, since the object stays in the store. */
  #retryLater(deviceId: string): void {
    this.#dirty.add(deviceId);
    this.#retryTimer?.cancel();
    this.#retryTimer = this.#context.clock.setTimer(retryDelayMs, () => void this.#reconcileDirty());
  }

  #reconcileDirty(): Promise<void> {
    return this.#work.run(async () => {
      for (const deviceId of [...this.#dirty].sort()) {
        if (this.#stopped) return;
        this.#dirty.delete(deviceId);
        try {
          await this.#registry.reconcile(deviceId);
        } catch (error) {
          this.#context.logger.error("A device could not be brought in line with the cloud", {
            deviceId,
            reason: describeError(error),
          });
          this.#retryLater(deviceId);
        }
      }
    });
  }
}
