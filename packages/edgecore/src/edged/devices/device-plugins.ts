import { join } from "node:path";
import type { Container, Pod } from "@skerry/api";
import { describeError, isSkerryError } from "@skerry/base";
import type { FileSystem } from "../ports.ts";
import {
  type ContainerDevices,
  type DeviceCount,
  deviceLimits,
  type GivenDevices,
  NO_DEVICES,
} from "./container-devices.ts";
import type { DeviceManager, DeviceManagerPorts } from "./device-manager.ts";
import { knownResources } from "./device-tables.ts";
import { devicesUnavailable, registrationStatus } from "./errors.ts";
import type { PluginTransport } from "./plugin-client.ts";

/** Where device plugins register. */
export interface DevicePluginPorts {
  readonly transport: PluginTransport;
  /** Of this node's socket and the plugins' own, absolute; the kubelet's is `/var/lib/kubelet/device-plugins`. */
  readonly folder: string;
  /** Loads what does the work: its memory is used only on nodes that have had a plugin. */
  readonly load: () => Promise<typeof import("./device-manager.ts")>;
}

/** What the node's end of the plugins runs on. */
export interface DevicePluginsPorts extends DeviceManagerPorts {
  readonly fileSystem: Pick<FileSystem, "listDirectory" | "status" | "remove">;
}

const REGISTER = "/v1beta1.Registration/Register";

/** The node's end of the kubelet's device plugin API: plugins register here, and containers get what they offer. */
export class DevicePlugins implements ContainerDevices, AsyncDisposable {
  readonly #plugins: DevicePluginPorts | undefined;
  readonly #ports: DevicePluginsPorts;
  #server: AsyncDisposable | undefined;
  #loading: Promise<DeviceManager> | undefined;
  #manager: DeviceManager | undefined;

  /** @param plugins left out: none can register */
  constructor(plugins: DevicePluginPorts | undefined, ports: DevicePluginsPorts) {
    this.#plugins = plugins;
    this.#ports = ports;
  }

  get counts(): ReadonlyMap<string, DeviceCount> {
    return this.#manager?.counts ?? new Map();
  }

  /** Lets plugins register. A node where they cannot works without them. */
  async start(): Promise<void> {
    const plugins = this.#plugins;
    if (!plugins) return;
    if (this.#ports.meta.read(knownResources).length > 0) await this.#load(plugins);
    const { folder, transport } = plugins;
    const socketPath = join(folder, "kubelet.sock");
    const register = async (request: Uint8Array): Promise<Uint8Array> => {
      const manager = await this.#load(plugins);
      await manager.register(request, folder, transport);
      return new Uint8Array();
    };
    try {
      if (!(await transport.grpc.isServed(socketPath))) await this.#clearSockets(folder);
      this.#server = await transport.grpc.serve({
        socketPath,
        methods: new Map([[REGISTER, register]]),
        statusOf: registrationStatus,
      });
    } catch (error) {
      this.#ports.logger.warn("Device plugins cannot register on this node; all else goes on", {
        socketPath,
        error: describeError(error),
        advice: isSkerryError(error) ? error.advice : undefined,
      });
    }
  }

  async provide(pod: Pod, container: Container, signal: AbortSignal): Promise<GivenDevices> {
    const [first] = deviceLimits(container);
    if (!first) return NO_DEVICES;
    if (!this.#plugins) throw devicesUnavailable(first[0], "no device plugin can register on this node");
    const manager = await this.#load(this.#plugins);
    return manager.provide(pod, container, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await (await this.#loading?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }

  /** The sign by which plugins know that the kubelet has started anew: their sockets vanish, and they register again. */
  async #clearSockets(folder: string): Promise<void> {
    const { fileSystem } = this.#ports;
    for (const name of await fileSystem.listDirectory(folder)) {
      const path = join(folder, name);
      if ((await fileSystem.status(path))?.kind === "socket") await fileSystem.remove(path);
    }
  }

  #load({ load }: DevicePluginPorts): Promise<DeviceManager> {
    this.#loading ??= load().then(({ DeviceManager }) => {
      this.#manager = new DeviceManager(this.#ports);
      return this.#manager;
    });
    return this.#loading;
  }
}
