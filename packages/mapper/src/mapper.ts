import { type Clock, describeError, type Logger, Mutex, type Random, RetrySchedule, type Service } from "@skerry/base";
import {
  type Device,
  type DeviceManager,
  type DeviceMapper,
  type DeviceModel,
  deviceManagerClient,
  deviceMapperMethods,
  dmiClientErrors,
  dmiNotFound,
  dmiRequestInvalid,
  dmiStatus,
} from "@skerry/dmi";
import type { GrpcTransport, UnaryClient } from "@skerry/grpc";
import {
  type DeviceDescription,
  describeDevice,
  deviceIdOf,
  propertiesInNanoseconds,
  wantedOf,
} from "./device-description.ts";
import { DeviceWorker } from "./device-worker.ts";
import type { Driver } from "./driver.ts";
import { deviceUnknown, protocolChanged } from "./errors.ts";
import { type PushTransport, unservedPushMethods } from "./push-target.ts";
import { WakeUp } from "./wake-up.ts";

export interface MapperPorts {
  readonly driver: Driver;
  readonly transport: GrpcTransport;
  /** The mapper's own from now on: it is disposed with it. */
  readonly pushTransport: PushTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface MapperOptions {
  /** The mapper's name at EdgeCore. */
  readonly name: string;
  /** Where the mapper's own service listens. */
  readonly socketPath: string;
  /** Where EdgeCore listens. */
  readonly edgeCoreSocketPath: string;
  /** How long one call to the driver may take. @default 10 s */
  readonly callTimeoutMs?: number;
}

const EDGECORE_CALL_TIMEOUT_MS = 10_000;
const registrationPolicy = { initialMs: 1_000, maximumMs: 30_000 };

/**
 * A mapper: registers at EdgeCore, drives the devices it is given, each on its own, and follows their changes. It looks
 * for EdgeCore for as long as it runs, and registers again when EdgeCore does not know its devices.
 */
export class Mapper implements Service, DeviceMapper {
  readonly #ports: MapperPorts;
  #driver: Driver;
  readonly #options: MapperOptions;
  readonly #logger: Logger;
  readonly #client: UnaryClient;
  readonly #manager: DeviceManager;
  readonly #models = new Map<string, DeviceModel>();
  readonly #devices = new Map<string, Device>();
  readonly #workers = new Map<string, DeviceWorker>();
  readonly #changes = new Mutex();
  readonly #retry: RetrySchedule;
  readonly #wakeUp: WakeUp;
  #stopped = false;
  #serving: AsyncDisposable | undefined;
  #registering: Promise<void> = Promise.resolve();

  constructor(ports: MapperPorts, options: MapperOptions) {
    this.#logger = ports.logger.child("mapper");
    this.#ports = { ...ports, logger: this.#logger };
    this.#options = options;
    this.#driver = ports.driver;
    this.#client = ports.transport.client(options.edgeCoreSocketPath, dmiClientErrors);
    this.#manager = deviceManagerClient(this.#client, { timeoutMs: EDGECORE_CALL_TIMEOUT_MS });
    this.#retry = new RetrySchedule(registrationPolicy, ports.random);
    this.#wakeUp = new WakeUp(ports.clock);
  }

  /** The driver that is in use. */
  get driver(): Driver {
    return this.#driver;
  }

  /**
   * Goes on with another driver of the same protocol: the devices stay registered, each is closed and opened anew.
   * @throws `MAPPER_PROTOCOL_CHANGED`
   */
  async replaceDriver(driver: Driver): Promise<void> {
    if (driver.protocol !== this.#driver.protocol) throw protocolChanged(this.#driver.protocol, driver.protocol);
    await this.#changes.run(async () => {
      this.#driver = driver;
      if (this.#stopped) return;
      for (const [id, { device }] of [...this.#workers]) {
        await this.#stop(id);
        const given = this.#devices.get(id);
        if (given) this.#start(device, wantedOf(given).wanted);
      }
    });
  }

  /** The worker of a device. @throws `MAPPER_DEVICE_UNKNOWN` */
  worker(id: string): DeviceWorker {
    const worker = this.#workers.get(id);
    if (worker === undefined) throw deviceUnknown(id);
    return worker;
  }

  /** The devices it drives, each with why it is offline, in order. */
  devices(): { readonly id: string; readonly offlineReason: string | undefined }[] {
    return [...this.#workers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { offlineReason }]) => ({ id, offlineReason }));
  }

  /**
   * Serves its own socket, then looks for EdgeCore in the background.
   * @throws `GRPC_SOCKET_IN_USE`, `GRPC_SOCKET_FAILED`
   */
  async start(): Promise<void> {
    const methods = deviceMapperMethods(this);
    // First, so that EdgeCore's calls after the registration find it.
    this.#serving = await this.#ports.transport.serve({
      socketPath: this.#options.socketPath,
      methods,
      statusOf: dmiStatus,
    });
    this.#registering = this.#keepRegistered();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#wakeUp.wake();
    await this.#serving?.[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
    await this.#registering;
    await this.#changes.run(async () => {
      await Promise.all([...this.#workers.keys()].map((id) => this.#stop(id)));
    });
    await this.#ports.pushTransport[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
  }

  async registerDevice({
    device,
  }: {
    readonly device: Device | undefined;
  }): Promise<{ deviceName: string; deviceNamespace: string }> {
    await this.updateDevice({ device });
    return { deviceName: device?.name ?? "", deviceNamespace: device?.namespace ?? "" };
  }

  async updateDevice({ device }: { readonly device: Device | undefined }): Promise<Record<never, never>> {
    if (device === undefined) throw dmiRequestInvalid("the call names no device");
    await this.#changes.run(() => this.#setDevice(device));
    return {};
  }

  async removeDevice(request: {
    readonly deviceName: string;
    readonly deviceNamespace: string;
  }): Promise<Record<never, never>> {
    const id = deviceIdOf(request.deviceNamespace, request.deviceName);
    await this.#changes.run(() => this.#removeDevice(id));
    return {};
  }

  async createDeviceModel({
    model,
  }: {
    readonly model: DeviceModel | undefined;
  }): Promise<{ deviceModelName: string; deviceModelNamespace: string }> {
    await this.updateDeviceModel({ model });
    return { deviceModelName: model?.name ?? "", deviceModelNamespace: model?.namespace ?? "" };
  }

  async updateDeviceModel({ model }: { readonly model: DeviceModel | undefined }): Promise<Record<never, never>> {
    if (model === undefined) throw dmiRequestInvalid("the call names no model");
    await this.#changes.run(async () => {
      this.#models.set(deviceIdOf(model.namespace, model.name), model);
      for (const device of this.#devices.values())
        if (modelIdOf(device) === deviceIdOf(model.namespace, model.name)) await this.#setDevice(device);
    });
    return {};
  }

  async removeDeviceModel(request: {
    readonly modelName: string;
    readonly modelNamespace: string;
  }): Promise<Record<never, never>> {
    this.#models.delete(deviceIdOf(request.modelNamespace, request.modelName));
    return {};
  }

  async getDevice(request: {
    readonly deviceName: string;
    readonly deviceNamespace: string;
  }): Promise<{ device: Device }> {
    const id = deviceIdOf(request.deviceNamespace, request.deviceName);
    const device = this.#devices.get(id);
    if (device === undefined) throw dmiNotFound(`there is no device ${id}`);
    return { device };
  }

  /** Never rejects. */
  async #keepRegistered(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#stopped) {
      let registered = false;
      try {
        await this.#register();
        registered = true;
      } catch (error) {
        if (this.#stopped) return;
        const report = { socketPath: this.#options.edgeCoreSocketPath, reason: describeError(error) };
        if (this.#retry.attempt === 0) this.#logger.warn("EdgeCore is not reached; it is tried again", report);
      }
      const untilMs = clock.monotonicMs() + this.#retry.nextDelayMs();
      if (registered) await this.#wakeUp.wait(undefined); // Until EdgeCore does not know a device.
      while (!this.#stopped && clock.monotonicMs() < untilMs) await this.#wakeUp.wait(untilMs - clock.monotonicMs());
    }
  }

  async #register(): Promise<void> {
    const driver = this.#driver;
    const { name, socketPath } = this.#options;
    const address = new TextEncoder().encode(socketPath);
    const mapper = { name, version: "v1", apiVersion: "v1beta1", protocol: driver.protocol, address, state: "ok" };
    const { modelList, deviceList } = await this.#manager.mapperRegister({ withData: true, mapper });
    await this.#changes.run(async () => {
      for (const model of modelList) this.#models.set(deviceIdOf(model.namespace, model.name), model);
      const given = new Set(deviceList.map((device) => deviceIdOf(device.namespace, device.name)));
      for (const id of [...this.#workers.keys()]) if (!given.has(id)) await this.#removeDevice(id);
      for (const device of deviceList) await this.#setDevice(device);
    });
    for (const worker of this.#workers.values()) worker.repeatState();
    this.#retry.reset();
    this.#logger.info("Registered at EdgeCore", { protocol: driver.protocol, devices: deviceList.length });
  }

  /** @throws `DMI_REQUEST_INVALID` when the device's model has not come */
  async #setDevice(device: Device): Promise<void> {
    const id = deviceIdOf(device.namespace, device.name);
    const model = this.#models.get(modelIdOf(device));
    if (model === undefined) throw dmiRequestInvalid(`the model of device ${id} is not known here`);
    if (this.#stopped) return;
    this.#devices.set(id, device);
    const description = describeDevice(device, model);
    const { wanted, once } = wantedOf(device);
    const worker = this.#workers.get(id);
    if (worker && sameDevice(worker.device, description)) worker.setWanted(wanted);
    else {
      await this.#stop(id);
      this.#tellOddities(id, device);
      this.#start(description, wanted);
    }
    this.#workers.get(id)?.writeOnce(once);
  }

  #start(description: DeviceDescription, wanted: ReadonlyMap<string, string>): void {
    const { pushTransport, clock, random, logger } = this.#ports;
    const onUnknownDevice = (): void => this.#wakeUp.wake();
    const ports = { manager: this.#manager, pushTransport, clock, random, logger, onUnknownDevice };
    const callTimeoutMs = this.#options.callTimeoutMs ?? 10_000;
    this.#workers.set(
      description.id,
      new DeviceWorker(description, wanted, { driver: this.#driver, ports, callTimeoutMs }),
    );
  }

  #tellOddities(id: string, device: Device): void {
    const properties = propertiesInNanoseconds(device);
    if (properties.length > 0)
      this.#logger.warn("Cycles of a day and more are taken for nanoseconds", { device: id, properties });
    for (const { name, pushMethod } of device.spec?.properties ?? [])
      for (const way of unservedPushMethods(pushMethod))
        this.#logger.warn("A pushMethod is not served", { device: id, property: name, pushMethod: way });
  }

  async #removeDevice(id: string): Promise<void> {
    this.#devices.delete(id);
    await this.#stop(id);
  }

  async #stop(id: string): Promise<void> {
    const worker = this.#workers.get(id);
    this.#workers.delete(id);
    await worker?.[Symbol.asyncDispose]();
  }
}

function modelIdOf(device: Device): string {
  return deviceIdOf(device.namespace, device.spec?.deviceModelReference ?? "");
}

function sameDevice(a: DeviceDescription, b: DeviceDescription): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
