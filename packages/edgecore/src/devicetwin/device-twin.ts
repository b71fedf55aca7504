import { batchesOf, describeError, Listeners, Mutex, type Service, type Timer } from "@skerry/base";
import type { Message } from "@skerry/link";
import type { DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { ObjectChange } from "../metamanager/meta-store.ts";
import { noSampleRecorder } from "../telemetry/index.ts";
import { DefinitionCache } from "./definition-cache.ts";
import { DeviceRegistry } from "./device-registry.ts";
import { DeviceRequests } from "./device-requests.ts";
import { readState } from "./device-state.ts";
import { readTwin } from "./device-table.ts";
import { defaultDeviceTwinLimits } from "./limits.ts";
import { readMembership } from "./membership.ts";
import { OnceEffects } from "./once-effects.ts";
import type { DeviceTwinContext, DeviceTwinPorts } from "./ports.ts";
import { StateReport } from "./state-report.ts";
import { TwinPublisher } from "./twin-publisher.ts";
import { TwinReporter } from "./twin-reporter.ts";
import { checkPropertyName } from "./twin-request.ts";
import { TwinWriter } from "./twin-writer.ts";

const retryDelayMs = 5_000;
const DEFAULT_REPORT_INTERVAL_MS = 1_000;
/** Devices that are brought in line with one commit: on a slow disk a commit for each of a thousand holds up the link. */
const BATCH_SIZE = 64;

/**
 * The devices of this node and their twins: what the cloud wants of each property and what its device says it is.
 * Everything it accepts is committed together with its report to the cloud, so it survives a crash and a cut link.
 */
export class DeviceTwin implements Service, DownstreamHandler {
  readonly #context: DeviceTwinContext;
  readonly #registry: DeviceRegistry;
  readonly #requests: DeviceRequests;
  readonly #writer: TwinWriter;
  readonly #definitions: DefinitionCache;
  readonly #publisher: TwinPublisher;
  readonly #reporter: TwinReporter;
  readonly #once: OnceEffects;
  readonly #listeners: Listeners<string>;
  readonly #work = new Mutex();
  /** Devices that wait to be brought in line; a set, so that many changes of one device are one work. */
  readonly #dirty = new Set<string>();
  readonly #registrations = new DisposableStack();
  #retryTimer: Timer | undefined;
  #stopped = false;

  constructor(ports: DeviceTwinPorts) {
    const logger = ports.logger.child("devicetwin");
    this.#context = {
      ...ports,
      logger,
      limits: ports.limits ?? defaultDeviceTwinLimits,
      samples: ports.samples ?? noSampleRecorder,
      reportIntervalMs: ports.reportIntervalMs ?? DEFAULT_REPORT_INTERVAL_MS,
    };
    const stateReport = new StateReport(ports.meta.outbox, ports.random);
    this.#definitions = new DefinitionCache(ports.meta);
    this.#reporter = new TwinReporter(this.#context, this.#definitions);
    this.#publisher = new TwinPublisher(
      ports.bus,
      () => ports.random.uuid(),
      (deviceId) => this.#once.send(deviceId),
    );
    this.#once = new OnceEffects(this.#context, this.#publisher, this.#reporter);
    this.#writer = new TwinWriter(this.#context, stateReport, this.#reporter, this.#definitions);
    this.#registry = new DeviceRegistry(this.#context, stateReport, this.#reporter, this.#publisher);
    this.#requests = new DeviceRequests(this.#context, this.#writer, this.#publisher, (deviceId) =>
      this.#listeners.emit(deviceId),
    );
    this.#listeners = new Listeners((error) =>
      logger.error("A listener to devices failed", { reason: describeError(error) }),
    );
  }

  /** Messages on reserved MQTT topics that were ignored so far. */
  get ignoredCount(): number {
    return this.#requests.ignoredCount;
  }

  /** Names of values that the cloud does not know yet. */
  waiting(): readonly string[] {
    return this.#reporter.waiting();
  }

  /** Brings all devices in line with what is stored, without the network, and begins to answer. */
  async start(): Promise<void> {
    const { meta, bus } = this.#context;
    await this.#once.start();
    this.#registrations.use(meta.onChange((change) => this.#onObjectChange(change)));
    for (const deviceId of this.#registry.deviceIds()) this.#dirty.add(deviceId);
    await this.#reconcileDirty();
    this.#reporter.start();
    this.#registrations.use(bus.onDeviceMessage((topic, payload) => this.#requests.handle(topic, payload)));
    this.#registrations.use(
      bus.onConnected(() => {
        this.#registry.publishDeltas();
        this.#once.connected();
      }),
    );
  }

  /** Called with a device's id after the device, its model or what is wanted of it may have changed. */
  onDeviceChange(listener: (deviceId: string) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** What is wanted of a device's properties just now, by property name, but for what may take effect at most once. */
  wantedValues(deviceId: string): ReadonlyMap<string, string> {
    const twin = this.#context.meta.read((reader) => readTwin(reader, deviceId));
    const wanted = new Map<string, string>();
    for (const { name, type, expected, effect } of twin.values())
      if (type !== "deleted" && expected !== null && effect === null) wanted.set(name, expected.value);
    return wanted;
  }

  /** What may take effect at most once, and who gives it to the devices. */
  get once(): Pick<OnceEffects, "isPending" | "begin" | "forget" | "byMapper"> {
    return this.#once;
  }

  /**
   * Takes actual values from a driver on this node, as an MQTT client's `twin/update` does, all or none; resolves when
   * they are committed together with their reports to the cloud. `observedAtMs`: when, by property, wall clock.
   * @throws `DEVICETWIN_DEVICE_UNKNOWN`, `…_VALUE_INVALID`, `…_VALUE_TOO_LARGE`, `…_PROPERTY_NAME_INVALID`,
   *   `…_TOO_MANY_PROPERTIES`
   */
  async reportValues(
    deviceId: string,
    values: ReadonlyMap<string, string>,
    observedAtMs: ReadonlyMap<string, number> = new Map(),
  ): Promise<void> {
    const updates = [...values].map(([name, actual]) => {
      checkPropertyName(name);
      const atMs = observedAtMs.get(name);
      return { kind: "set", name, actual, ...(atMs === undefined ? {} : { observedAtMs: atMs }) } as const;
    });
    const nowMs = this.#context.clock.now();
    const { changes, twin } = await this.#writer.update(deviceId, updates, nowMs);
    const head = { eventId: this.#context.random.uuid(), timestampMs: nowMs };
    this.#publisher.changed(deviceId, changes, twin, head);
  }

  /** Takes a device's state from its driver. @throws `DEVICETWIN_DEVICE_UNKNOWN`, `DEVICETWIN_STATE_UNKNOWN` */
  async reportState(deviceId: string, state: string): Promise<void> {
    const nowMs = this.#context.clock.now();
    await this.#writer.state(deviceId, readState({ state }, nowMs), nowMs);
  }

  /** Takes membership messages (wire.md D10, D11); answers to reports are the outbox's business. */
  async handle(message: Message): Promise<void> {
    const { resource = "" } = message.route;
    if (this.#stopped || message.header.parent_msg_id || resource.split("/").at(-1) !== "membership") return;
    const { added, removed } = readMembership(message.content);
    await this.#work.run(async () => {
      for (const members of batchesOf(added, BATCH_SIZE))
        await Promise.all(members.map((member) => this.#registry.add(member)));
      // Removes only what the store does not hold: the Device's own deletion is what counts.
      for (const member of removed) await this.#registry.reconcile(member.id);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#retryTimer?.cancel();
    this.#registrations.dispose();
    await this.#work.run(async () => {});
    await this.#once[Symbol.asyncDispose]();
    await this.#reporter[Symbol.asyncDispose]();
  }

  #onObjectChange({ key }: ObjectChange): void {
    if (key.type === "device") {
      const deviceId = `${key.namespace}/${key.name}`;
      this.#definitions.forget(deviceId);
      this.#dirty.add(deviceId);
    } else if (key.type === "devicemodel") {
      this.#definitions.forgetAll();
      for (const deviceId of this.#registry.deviceIdsOfModel(key.namespace, key.name)) this.#dirty.add(deviceId);
    } else return;
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
      for (const deviceIds of batchesOf([...this.#dirty].sort(), BATCH_SIZE)) {
        if (this.#stopped) return;
        await Promise.all(deviceIds.map((deviceId) => this.#reconcile(deviceId)));
      }
    });
  }

  async #reconcile(deviceId: string): Promise<void> {
    this.#dirty.delete(deviceId);
    try {
      await this.#registry.reconcile(deviceId);
      this.#listeners.emit(deviceId);
    } catch (error) {
      this.#context.logger.error("A device could not be brought in line with the cloud", {
        deviceId,
        reason: describeError(error),
      });
      this.#retryLater(deviceId);
    }
  }
}
