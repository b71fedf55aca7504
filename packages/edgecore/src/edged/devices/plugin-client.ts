import type { GrpcTransport, ServerStreaming, UnaryClient } from "@skerry/grpc";
import { pluginErrors, pluginFailed } from "./errors.ts";
import {
  AllocateRequest,
  AllocateResponse,
  ContainerAllocateResponse,
  type DevicePluginOptions,
  Empty,
  ListAndWatchResponse,
  PreferredAllocationRequest,
  PreferredAllocationResponse,
  PreStartContainerRequest,
} from "./generated/device-plugin.ts";

const SERVICE = "/v1beta1.DevicePlugin";
/** The kubelet's own limit for PreStartContainer; it has none for the others. */
const CALL_TIMEOUT_MS = 30_000;
const HEALTHY = "Healthy";
const MAXIMUM_DEVICES = 10_000;
const LONGEST_ID = 1024;
/** Of what is kept in the database for each container. */
const MAXIMUM_ANSWER_BYTES = 256 * 1024;

/** What calls of plugins go over. */
export interface PluginTransport {
  readonly grpc: Pick<GrpcTransport, "serve" | "client" | "isServed">;
  readonly stream: ServerStreaming;
}

/** One device plugin. Its failures are `EDGED_DEVICE_PLUGIN_FAILED`. */
export class PluginClient implements AsyncDisposable {
  readonly options: DevicePluginOptions;
  readonly #socketPath: string;
  readonly #stream: ServerStreaming;
  readonly #client: UnaryClient;
  readonly #stopping = new AbortController();

  constructor({ grpc, stream }: PluginTransport, socketPath: string, options: DevicePluginOptions) {
    this.options = options;
    this.#socketPath = socketPath;
    this.#stream = stream;
    this.#client = grpc.client(socketPath, pluginErrors(socketPath));
  }

  /** Tells the devices, and whether each works, until the plugin or this client ends; then it resolves or throws. */
  watch(onDevices: (health: ReadonlyMap<string, boolean>) => void): Promise<void> {
    return this.#stream({
      socketPath: this.#socketPath,
      method: `${SERVICE}/ListAndWatch`,
      request: Empty.encode({}).finish(),
      errors: pluginErrors(this.#socketPath),
      signal: this.#stopping.signal,
      onMessage: (message) => onDevices(this.#devicesIn(message)),
    });
  }

  /** Which of the devices the plugin would rather give. */
  async preferred(
    available: readonly string[],
    mustInclude: readonly string[],
    count: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const request = {
      availableDeviceIDs: [...available],
      mustIncludeDeviceIDs: [...mustInclude],
      allocationSize: count,
    };
    const encoded = PreferredAllocationRequest.encode({ containerRequests: [request] }).finish();
    const answer = await this.#call("GetPreferredAllocation", encoded, signal);
    const { containerResponses = [] } = this.#decoded(() => PreferredAllocationResponse.decode(answer));
    return containerResponses[0]?.deviceIDs ?? [];
  }

  /** How to give these devices to a container: an encoded ContainerAllocateResponse. */
  async allocate(devices: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    const encoded = AllocateRequest.encode({ containerRequests: [{ devicesIds: [...devices] }] }).finish();
    const answer = await this.#call("Allocate", encoded, signal);
    const { containerResponses = [] } = this.#decoded(() => AllocateResponse.decode(answer));
    const [only] = containerResponses;
    if (!only || containerResponses.length !== 1)
      throw pluginFailed(this.#socketPath, `answered for ${containerResponses.length} containers instead of one`);
    const kept = ContainerAllocateResponse.encode(only).finish();
    if (kept.length > MAXIMUM_ANSWER_BYTES)
      throw pluginFailed(this.#socketPath, `answered with more than ${MAXIMUM_ANSWER_BYTES} bytes for one container`);
    return kept;
  }

  /** A container with these devices is about to start. */
  async preStart(devices: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#call(
      "PreStartContainer",
      PreStartContainerRequest.encode({ devicesIds: [...devices] }).finish(),
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#client[Symbol.asyncDispose]();
  }

  #devicesIn(message: Uint8Array): ReadonlyMap<string, boolean> {
    const { devices = [] } = this.#decoded(() => ListAndWatchResponse.decode(message));
    if (devices.length > MAXIMUM_DEVICES)
      throw pluginFailed(this.#socketPath, `lists more than ${MAXIMUM_DEVICES} devices`);
    if (devices.some(({ ID = "" }) => ID === "" || ID.length > LONGEST_ID))
      throw pluginFailed(this.#socketPath, `lists a device whose ID is empty or longer than ${LONGEST_ID} characters`);
    return new Map(devices.map(({ ID = "", health }) => [ID, health === HEALTHY]));
  }

  #call(method: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return this.#client.call({ method: `${SERVICE}/${method}`, request, timeoutMs: CALL_TIMEOUT_MS, signal });
  }

  #decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      throw pluginFailed(this.#socketPath, "sent what is not of the device plugin API v1beta1", error);
    }
  }
}
