import { SkerryError } from "@skerry/base";
import type { ServerStreamCall, UnaryCall, UnaryMethod } from "@skerry/grpc";
import type { DevicePluginPorts } from "../devices/device-plugins.ts";
import {
  AllocateRequest,
  AllocateResponse,
  type ContainerAllocateResponse,
  ListAndWatchResponse,
  PreferredAllocationRequest,
  PreferredAllocationResponse,
  PreStartContainerRequest,
  RegisterRequest,
} from "../devices/generated/device-plugin.ts";

const FOLDER = "/plugins";
const REGISTER = "/v1beta1.Registration/Register";

/** How a plugin behaves. */
export interface FakePluginOptions {
  readonly resource?: string;
  readonly preStart?: boolean;
  /** Which devices it would rather give. */
  readonly prefers?: readonly string[];
  readonly answer?: (devices: readonly string[]) => ContainerAllocateResponse;
}

/** Device plugins of a test, with what EdgeCore asked of them. */
export class FakeDevicePlugins {
  /** Calls in order, e.g. `Allocate a b`. */
  readonly calls: string[] = [];
  /** Methods that are not answered. */
  readonly hanging: Set<string> = new Set();
  /** How often the code that does the work was asked for. */
  loads = 0;
  readonly #streams = new Map<string, { readonly call: ServerStreamCall; end(error?: Error): void }>();
  readonly #plugins = new Map<string, FakePluginOptions>();
  #methods: ReadonlyMap<string, UnaryMethod> = new Map();

  readonly ports: DevicePluginPorts = {
    folder: FOLDER,
    load: () => {
      this.loads++;
      return import("../devices/device-manager.ts");
    },
    transport: {
      grpc: {
        serve: async ({ methods }) => {
          this.#methods = methods;
          return { [Symbol.asyncDispose]: async () => {} };
        },
        isServed: async () => false,
        client: (socketPath) => ({
          call: (call) => this.#call(socketPath, call),
          [Symbol.asyncDispose]: async () => {},
        }),
      },
      stream: (call) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error): void => (error ? reject(error) : resolve());
          this.#streams.set(call.socketPath, { call, end });
          call.signal.addEventListener("abort", () => reject(call.signal.reason), { once: true });
        }),
    },
  };

  /** Registers a plugin at `example.com/camera` or another resource. */
  async register(endpoint: string, options: FakePluginOptions = {}, version = "v1beta1"): Promise<void> {
    this.#plugins.set(`${FOLDER}/${endpoint}`, options);
    const { resource: resourceName = "example.com/camera", preStart: preStartRequired = false, prefers } = options;
    const getPreferredAllocationAvailable = prefers !== undefined;
    const request = { version, endpoint, resourceName, options: { preStartRequired, getPreferredAllocationAvailable } };
    await this.#methods.get(REGISTER)?.(RegisterRequest.encode(request).finish());
  }

  /** The plugin tells its devices. */
  tell(endpoint: string, health: Readonly<Record<string, "Healthy" | "Unhealthy">>): void {
    const devices = Object.entries(health).map(([ID, state]) => ({ ID, health: state }));
    const stream = this.#streams.get(`${FOLDER}/${endpoint}`);
    stream?.call.onMessage(ListAndWatchResponse.encode({ devices }).finish());
  }

  /** The plugin's process is gone. */
  end(endpoint: string): void {
    const path = `${FOLDER}/${endpoint}`;
    this.#plugins.delete(path);
    this.#streams.get(path)?.end(new Error("the connection ended"));
  }

  async #call(socketPath: string, { method, request, signal }: UnaryCall): Promise<Uint8Array> {
    const plugin = this.#plugins.get(socketPath);
    if (!plugin) throw new SkerryError({ code: "EDGED_DEVICE_PLUGIN_FAILED", message: "gone", advice: "None." });
    const name = method.slice(method.lastIndexOf("/") + 1);
    switch (name) {
      case "Allocate": {
        const { containerRequests = [] } = AllocateRequest.decode(request);
        const devices = containerRequests[0]?.devicesIds ?? [];
        this.calls.push(`Allocate ${devices.join(" ")}`);
        if (this.hanging.has(name)) await new Promise((_, reject) => signal?.addEventListener("abort", reject));
        const answer = plugin.answer?.(devices) ?? { envs: { CAMERAS: devices.join(",") } };
        return AllocateResponse.encode({ containerResponses: [answer] }).finish();
      }
      case "GetPreferredAllocation": {
        const [asked] = PreferredAllocationRequest.decode(request).containerRequests ?? [];
        this.calls.push(`Prefer ${asked?.allocationSize} of ${asked?.availableDeviceIDs?.join(" ")}`);
        const deviceIDs = [...(plugin.prefers ?? [])];
        return PreferredAllocationResponse.encode({ containerResponses: [{ deviceIDs }] }).finish();
      }
      case "PreStartContainer":
        this.calls.push(`PreStart ${PreStartContainerRequest.decode(request).devicesIds?.join(" ")}`);
        return new Uint8Array();
      default:
        throw new Error(`unexpected ${method}`);
    }
  }
}
