import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@skerry/base";
import { SeededRandom } from "@skerry/base/testing";
import {
  type Device,
  type DeviceManager,
  type DeviceMapper,
  type DeviceModel,
  deviceManagerClient,
  deviceMapperMethods,
  dmiClientErrors,
  dmiStatus,
  type MapperRegisterResponse,
} from "@skerry/dmi";
import { unixGrpc } from "@skerry/grpc/platform";
import type { Database } from "@skerry/store";
import { SqliteDatabase } from "@skerry/store/platform";
import { allTwinMigrations } from "../../devicetwin/index.ts";
import { TwinWorld } from "../../devicetwin/testing/twin-world.ts";
import { metaManagerMigrations } from "../../metamanager/index.ts";
import { DmiServer } from "../dmi-server.ts";
import { dmiMigrations } from "../migrations.ts";

/** A call that a mapper got. */
export type MapperCall =
  | { readonly method: "RegisterDevice" | "UpdateDevice"; readonly device: Device | undefined }
  | { readonly method: "CreateDeviceModel" | "UpdateDeviceModel"; readonly model: DeviceModel | undefined }
  | { readonly method: "RemoveDevice" | "RemoveDeviceModel"; readonly name: string; readonly namespace: string };

/** A mapper's own service on a real socket: keeps the calls it gets. */
export class RecordingMapper implements AsyncDisposable {
  readonly socketPath: string;
  /** Refuses calls while it is set. */
  refusal: Error | undefined;
  readonly #calls: MapperCall[] = [];
  #waiting: ((call: MapperCall) => void) | undefined;
  #server: AsyncDisposable | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  async listen(): Promise<void> {
    const service: DeviceMapper = {
      registerDevice: async ({ device }) => {
        this.#take({ method: "RegisterDevice", device });
        return { deviceName: device?.name ?? "", deviceNamespace: device?.namespace ?? "" };
      },
      updateDevice: async ({ device }) => this.#take({ method: "UpdateDevice", device }),
      removeDevice: async ({ deviceName, deviceNamespace }) =>
        this.#take({ method: "RemoveDevice", name: deviceName, namespace: deviceNamespace }),
      createDeviceModel: async ({ model }) => {
        this.#take({ method: "CreateDeviceModel", model });
        return { deviceModelName: model?.name ?? "", deviceModelNamespace: model?.namespace ?? "" };
      },
      updateDeviceModel: async ({ model }) => this.#take({ method: "UpdateDeviceModel", model }),
      removeDeviceModel: async ({ modelName, modelNamespace }) =>
        this.#take({ method: "RemoveDeviceModel", name: modelName, namespace: modelNamespace }),
      getDevice: async () => ({ device: undefined }),
    };
    const methods = deviceMapperMethods(service);
    this.#server = await unixGrpc.serve({ socketPath: this.socketPath, methods, statusOf: dmiStatus });
  }

  /** Calls that came and were not asked for yet. */
  get unread(): number {
    return this.#calls.length;
  }

  /** The next call; waits for it. */
  next(): Promise<MapperCall> {
    const call = this.#calls.shift();
    if (call !== undefined) return Promise.resolve(call);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  #take(call: MapperCall): Record<never, never> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(call);
    else this.#calls.push(call);
    if (this.refusal) throw this.refusal;
    return {};
  }
}

/** A node with device twin and DMI server, and a mapper, over real sockets; without link and broker. */
export class DmiWorld implements AsyncDisposable {
  readonly twins: TwinWorld;
  readonly mapper: RecordingMapper;
  /** EdgeCore as the mapper sees it. */
  readonly manager: DeviceManager;
  readonly folder: string;
  /** How often somebody looked whether the mapper listens. */
  looks = 0;
  #server: DmiServer;
  readonly #opened: AsyncDisposableStack;

  private constructor(twins: TwinWorld, folder: string, opened: AsyncDisposableStack) {
    this.twins = twins;
    this.folder = folder;
    this.#opened = opened;
    this.mapper = opened.use(new RecordingMapper(join(folder, "mapper.sock")));
    const client = opened.use(unixGrpc.client(join(folder, "dmi.sock"), dmiClientErrors));
    this.manager = deviceManagerClient(client, { timeoutMs: 10_000 });
    this.#server = this.#newServer();
  }

  static async start(): Promise<DmiWorld> {
    const opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "skerry-dmi-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const migrations = [...metaManagerMigrations, ...allTwinMigrations, ...dmiMigrations];
    const database: Database = new SqliteDatabase({ path: ":memory:", migrations });
    const twins = opened.use(await TwinWorld.start({ database }));
    const world = new DmiWorld(twins, folder, opened);
    await world.#server.start();
    await world.mapper.listen();
    return world;
  }

  /** EdgeCore's restart, as far as the DMI is concerned. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await meanwhile();
    this.#server = this.#newServer();
    await this.#server.start();
  }

  register(protocol = "modbus", withData = true): Promise<MapperRegisterResponse> {
    const address = new TextEncoder().encode(this.mapper.socketPath);
    const mapper = { name: `${protocol}-mapper`, version: "v1", apiVersion: "v1.0.0", protocol, address, state: "ok" };
    return this.manager.mapperRegister({ withData, mapper });
  }

  report(name: string, values: Readonly<Record<string, string>>): Promise<unknown> {
    const twins = Object.entries(values).map(([propertyName, value]) => ({
      propertyName,
      observedDesired: undefined,
      reported: { value, metadata: new Map<string, string>() },
    }));
    const reportedDevice = { twins, reportToCloud: true, reportCycle: 0 };
    return this.manager.reportDeviceStatus({ deviceName: name, deviceNamespace: "default", reportedDevice });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#opened.disposeAsync();
  }

  #newServer(): DmiServer {
    const { meta, twin, clock } = this.twins;
    const socketPath = join(this.folder, "dmi.sock");
    const random = new SeededRandom(2);
    const isServed = async (path: string): Promise<boolean> => {
      const answer = await unixGrpc.isServed(path);
      this.looks++;
      return answer;
    };
    const transport = { ...unixGrpc, isServed };
    return new DmiServer({ transport, socketPath, meta, twin, clock, random, logger: silentLogger });
  }
}
