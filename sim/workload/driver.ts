import { type Clock, isSkerryError, type Timer } from "@skerry/base";
import {
  type Device,
  type DeviceManager,
  deviceManagerClient,
  deviceMapperMethods,
  dmiClientErrors,
  dmiStatus,
} from "@skerry/dmi";
import type { NodeHistory } from "../world/history.ts";
import { ProcessLife } from "../world/process-life.ts";
import type { SimulatedSockets } from "../world/simulated-sockets.ts";
import { DRIVEN, NAMESPACE } from "./names.ts";

/** Where EdgeCore serves drivers. */
export const DMI_SOCKET = "/run/dmi.sock";
const OWN_SOCKET = "/run/driver.sock";
const RETRY_MS = 1_000;
const TIMEOUT_MS = 10_000;

/**
 * A driver's process on the edge machine, speaking DMI: reports values one after the other and notes which of them were
 * accepted, and what it is told is desired. Like the SDK's mappers it registers when it starts, and again when EdgeCore
 * does not know its device.
 */
export class Driver {
  readonly #sockets: SimulatedSockets;
  readonly #clock: Clock;
  readonly #history: NodeHistory;
  readonly #device: string;
  #process: DriverProcess | undefined;

  constructor(sockets: SimulatedSockets, clock: Clock, node: string, history: NodeHistory) {
    this.#sockets = sockets;
    this.#clock = clock;
    this.#history = history;
    this.#device = DRIVEN.deviceOf(node);
  }

  startIfDown(): void {
    this.#process ??= new DriverProcess(this.#sockets, new ProcessLife(this.#clock), this.#device, this.#history);
  }

  /** The machine has no power, or the world is over. */
  kill(): void {
    this.#process?.kill();
    this.#process = undefined;
  }

  report(value: string): void {
    this.#process?.report(value);
  }
}

class DriverProcess {
  readonly #sockets: SimulatedSockets;
  readonly #life: ProcessLife;
  readonly #device: string;
  readonly #history: NodeHistory;
  readonly #manager: DeviceManager;
  readonly #values: string[] = [];
  #isReporting = false;
  #registering: Timer | undefined;
  /** Tells of desired values; what was told while the answer to a registration was on its way is newer. */
  #tellings = 0;

  constructor(sockets: SimulatedSockets, life: ProcessLife, device: string, history: NodeHistory) {
    this.#sockets = sockets;
    this.#life = life;
    this.#device = device;
    this.#history = history;
    const transport = sockets.transport({ life });
    this.#manager = deviceManagerClient(transport.client(DMI_SOCKET, dmiClientErrors), { timeoutMs: TIMEOUT_MS });
    const methods = deviceMapperMethods({
      registerDevice: async ({ device: given }) => {
        this.#told(given);
        return { deviceName: given?.name ?? "", deviceNamespace: given?.namespace ?? "" };
      },
      updateDevice: async ({ device: given }) => {
        this.#told(given);
        return {};
      },
      removeDevice: async () => ({}),
      createDeviceModel: async ({ model }) => ({
        deviceModelName: model?.name ?? "",
        deviceModelNamespace: model?.namespace ?? "",
      }),
      updateDeviceModel: async () => ({}),
      removeDeviceModel: async () => ({}),
      getDevice: async () => ({ device: undefined }),
    });
    void transport.serve({ socketPath: OWN_SOCKET, methods, statusOf: dmiStatus });
    this.#registerAfter(0);
  }

  kill(): void {
    this.#life.kill();
    this.#sockets.drop(this.#life);
  }

  report(value: string): void {
    this.#values.push(value);
    if (!this.#isReporting) void this.#reportAll();
  }

  async #reportAll(): Promise<void> {
    this.#isReporting = true;
    for (let value = this.#values.shift(); value !== undefined; value = this.#values.shift()) {
      this.#history.add({ kind: "twin-reported", device: this.#device, value });
      const reported = { value, metadata: new Map<string, string>() };
      try {
        await this.#manager.reportDeviceStatus({
          deviceName: this.#device,
          deviceNamespace: NAMESPACE,
          reportedDevice: {
            twins: [{ propertyName: DRIVEN.reported, observedDesired: undefined, reported }],
            reportToCloud: true,
            reportCycle: 0,
          },
        });
        this.#history.add({ kind: "twin-accepted", device: this.#device, value });
      } catch (error) {
        // Whether it was stored nobody knows; the next value is as good.
        if (isSkerryError(error, "DMI_NOT_FOUND")) this.#registerAfter(RETRY_MS);
      }
    }
    this.#isReporting = false;
  }

  #registerAfter(delayMs: number): void {
    this.#registering ??= this.#life.clock.setTimer(delayMs, () => {
      this.#registering = undefined;
      this.#register().catch(() => this.#registerAfter(RETRY_MS));
    });
  }

  async #register(): Promise<void> {
    const tellings = this.#tellings;
    const { deviceList } = await this.#manager.mapperRegister({
      withData: true,
      mapper: {
        name: "driver",
        version: "1",
        apiVersion: "v1beta1",
        protocol: DRIVEN.protocol,
        address: new TextEncoder().encode(OWN_SOCKET),
        state: "ok",
      },
    });
    if (this.#tellings === tellings) for (const device of deviceList) this.#told(device);
  }

  #told(device: Device | undefined): void {
    this.#tellings++;
    const value = device?.spec?.properties.find(({ name }) => name === DRIVEN.desired)?.desired?.value;
    if (device?.name === this.#device && value !== undefined)
      this.#history.add({ kind: "desired-told", device: this.#device, value });
  }
}
