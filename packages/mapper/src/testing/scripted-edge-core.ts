import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JsonObject, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import {
  AT_MOST_ONCE,
  type Device,
  type DeviceManager,
  type DeviceMapper,
  type DeviceMethod,
  type DeviceModel,
  deviceManagerMethods,
  deviceMapperClient,
  dmiClientErrors,
  dmiStatus,
  EFFECT_METADATA,
  type PushMethod,
  toCustomizedValue,
} from "@skerry/dmi";
import { unixGrpc } from "@skerry/grpc/platform";
import type { Driver } from "../driver.ts";
import { pushFailed } from "../errors.ts";
import { Mapper } from "../mapper.ts";
import type { PushSample, PushTarget, PushTransport } from "../push-target.ts";

/** What EdgeCore got from the mapper. */
export type Report =
  | { readonly kind: "state"; readonly device: string; readonly state: string }
  | { readonly kind: "values"; readonly device: string; readonly values: Readonly<Record<string, string>> };

/** A mapper under test on a virtual clock, and an EdgeCore that answers as a test says, over real sockets. */
export class MapperWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  /** What EdgeCore answers to a registration. */
  devices: Device[] = [];
  registrations = 0;
  /** Makes EdgeCore refuse a report. */
  refuse: ((report: Report) => Error | undefined) | undefined;
  /** Tries to push, with their targets. */
  readonly pushes: { readonly target: PushTarget; readonly sample: PushSample }[] = [];
  refusePush = false;
  /** The desired values that came with reports last, by `device/property`. */
  readonly observed: Map<string, string> = new Map();
  /** EdgeCore's way to call the mapper. */
  readonly caller: DeviceMapper;
  readonly mapper: Mapper;
  readonly #folder: string;
  readonly #opened: AsyncDisposableStack;
  readonly #reports: Report[] = [];
  #edgeCore: AsyncDisposable | undefined;

  private constructor(driver: Driver, folder: string, opened: AsyncDisposableStack) {
    this.#folder = folder;
    this.#opened = opened;
    const pushTransport: PushTransport = {
      push: async (target, sample) => {
        this.pushes.push({ target, sample });
        if (this.refusePush) throw pushFailed("nowhere", "it is refused");
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    const shared = { clock: this.clock, random: new SeededRandom(3), logger: silentLogger };
    const ports = { ...shared, driver, transport: unixGrpc, pushTransport };
    const [socketPath, edgeCoreSocketPath] = [join(folder, "mapper.sock"), join(folder, "dmi.sock")];
    this.mapper = new Mapper(ports, { name: "test-mapper", socketPath, edgeCoreSocketPath });
    const client = opened.use(unixGrpc.client(socketPath, dmiClientErrors));
    this.caller = deviceMapperClient(client, { timeoutMs: 10_000 });
  }

  /** With EdgeCore and mapper running; `devices` are what EdgeCore gives at the registration. */
  static async start(
    driver: Driver,
    devices: readonly Device[],
    options: { edgeCore?: boolean } = {},
  ): Promise<MapperWorld> {
    const opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "skerry-mapper-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const world = new MapperWorld(driver, folder, opened);
    world.devices = [...devices];
    if (options.edgeCore ?? true) await world.startEdgeCore();
    await world.mapper.start();
    return world;
  }

  async startEdgeCore(): Promise<void> {
    const manager: DeviceManager = {
      mapperRegister: async () => {
        this.registrations++;
        return { modelList: [model], deviceList: this.devices };
      },
      reportDeviceStates: async ({ deviceName, state }) => this.#take({ kind: "state", device: deviceName, state }),
      reportDeviceStatus: async ({ deviceName, reportedDevice }) => {
        const entries = (reportedDevice?.twins ?? []).map(({ propertyName, reported, observedDesired }) => {
          // KubeEdge's EdgeCore ends with a nil dereference.
          if (!reported || !observedDesired) throw new Error(`${propertyName} lacks a half of its twin`);
          this.observed.set(`${deviceName}/${propertyName}`, observedDesired.value);
          return [propertyName, reported.value];
        });
        return this.#take({ kind: "values", device: deviceName, values: Object.fromEntries(entries) });
      },
    };
    const methods = deviceManagerMethods(manager);
    this.#edgeCore = await unixGrpc.serve({ socketPath: join(this.#folder, "dmi.sock"), methods, statusOf: dmiStatus });
  }

  async stopEdgeCore(): Promise<void> {
    await this.#edgeCore?.[Symbol.asyncDispose]();
  }

  /** Moves virtual time in steps until the report has come; earlier ones are dropped. */
  async until(wanted: (report: Report) => boolean, stepMs = 100): Promise<Report> {
    for (;;) {
      const found = this.#reports.findIndex(wanted);
      const report = this.#reports[found];
      if (report) {
        this.#reports.splice(0, found + 1);
        return report;
      }
      await this.clock.advance(stepMs);
    }
  }

  untilState(device: string, state: string): Promise<Report> {
    return this.until((report) => report.kind === "state" && report.device === device && report.state === state);
  }

  untilValue(device: string, property: string, value?: string): Promise<Report> {
    return this.until(
      (report) =>
        report.kind === "values" &&
        report.device === device &&
        (value === undefined ? property in report.values : report.values[property] === value),
    );
  }

  /** Reports that came since the last wait. */
  take(): Report[] {
    return this.#reports.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.mapper[Symbol.asyncDispose]();
    let done = false;
    void ended.finally(() => {
      done = true;
    });
    while (!done) await this.clock.advance(100); // A driver that hangs is given up on the virtual clock.
    await this.stopEdgeCore();
    await this.#opened.disposeAsync();
  }

  #take(report: Report): Record<never, never> {
    const refusal = this.refuse?.(report);
    if (refusal) throw refusal;
    this.#reports.push(report);
    return {};
  }
}

export const model: DeviceModel = {
  name: "thermo",
  namespace: "default",
  spec: {
    commands: [],
    properties: [
      ["temperature", "FLOAT", "ReadOnly"],
      ["setpoint", "INT", "ReadWrite"],
      ["led", "BOOLEAN", "ReadWrite"],
    ].map(([name = "", type = "", accessMode = ""]) => ({
      name,
      type,
      accessMode,
      description: "",
      minimum: "",
      maximum: "",
      unit: "",
    })),
  },
};

/** A Device of the model with these properties, read each second unless they say otherwise. */
export function device(
  name: string,
  properties: Readonly<
    Record<
      string,
      {
        desired?: string;
        /** The desired value may be written once only. */
        once?: boolean;
        config?: JsonObject;
        collectCycle?: number;
        reportCycle?: number;
        reportToCloud?: boolean;
        pushMethod?: PushMethod;
      }
    >
  >,
  config: JsonObject = {},
  methods: DeviceMethod[] = [],
): Device {
  return {
    name,
    namespace: "default",
    status: undefined,
    spec: {
      deviceModelReference: "thermo",
      protocol: { protocolName: "test", configData: toCustomizedValue(config) },
      methods,
      properties: Object.entries(properties).map(
        ([
          property,
          {
            desired,
            once = false,
            config = {},
            collectCycle = 1000,
            reportCycle = 0,
            reportToCloud = true,
            pushMethod,
          },
        ]) => ({
          name: property,
          desired:
            desired === undefined
              ? undefined
              : { value: desired, metadata: new Map(once ? [[EFFECT_METADATA, AT_MOST_ONCE]] : []) },
          visitors: { protocolName: "test", configData: toCustomizedValue(config) },
          collectCycle,
          reportCycle,
          reportToCloud,
          pushMethod,
        }),
      ),
    },
  };
}
