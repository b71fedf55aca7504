import { isAbsolute, normalize } from "node:path";
import {
  type Clock,
  describeError,
  isSkerryError,
  type Logger,
  Mutex,
  type Random,
  RetrySchedule,
  type Service,
  toBase64,
} from "@skerry/base";
import {
  type Device,
  type DeviceManager,
  type DeviceModel,
  deviceManagerMethods,
  deviceMapperClient,
  dmiClientErrors,
  dmiRequestInvalid,
  dmiStatus,
  type MapperRegisterRequest,
  type MapperRegisterResponse,
  type ReportDeviceStatesRequest,
  type ReportDeviceStatesResponse,
  type ReportDeviceStatusRequest,
  type ReportDeviceStatusResponse,
  tooManyMappers,
} from "@skerry/dmi";
import type { GrpcTransport, UnaryClient } from "@skerry/grpc";
import type { DeviceTwin } from "../devicetwin/index.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { DeviceCatalogue, deviceObject } from "./device-catalogue.ts";
import { MapperSession } from "./mapper-session.ts";
import { type MapperRecord, readMappers, removeMapper, writeDelivered, writeMapper } from "./mapper-table.ts";
import { MapperWatch } from "./mapper-watch.ts";

/** What the DMI server needs. */
export interface DmiServerPorts {
  readonly transport: GrpcTransport;
  /** Where mappers find this node, e.g. `/etc/kubeedge/dmi.sock`. */
  readonly socketPath: string;
  readonly meta: MetaClient;
  readonly twin: DeviceTwin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The same as its parts take it. */
export type DmiContext = Pick<DmiServerPorts, "meta" | "clock" | "logger">;

/** As KubeEdge's edge waits for a mapper. */
const MAPPER_CALL_TIMEOUT_MS = 10_000;
const MAXIMUM_MAPPERS = 64;
const MAXIMUM_NAME_CHARACTERS = 253;
const MAXIMUM_TWINS_PER_REPORT = 512;
const MAXIMUM_SOCKET_PATH_BYTES = 107;
/** grpc-go takes answers of 4 MiB; what does not fit comes by RegisterDevice. */
const MAXIMUM_ANSWER_BYTES = 3 * 1024 * 1024;
const retryPolicy = { initialMs: 1_000, maximumMs: 60_000 };

/**
 * The node's side of the device management interface (devices.md 7): gives each mapper the devices of its protocol and
 * their changes, and takes what it reports of them in the same way as MQTT updates. KubeEdge's limit of one call a
 * second is not kept; what bounds mappers is that a call is answered when it is committed, 128 at a time.
 */
export class DmiServer implements Service, DeviceManager {
  readonly #ports: DmiServerPorts;
  readonly #logger: Logger;
  readonly #catalogue: DeviceCatalogue;
  /** By protocol. */
  readonly #sessions = new Map<string, MapperSession>();
  readonly #clients = new Map<string, UnaryClient>();
  readonly #registering = new Mutex();
  readonly #registrations = new DisposableStack();
  readonly #watch: MapperWatch;
  #listening: AsyncDisposable | undefined;

  constructor(ports: DmiServerPorts) {
    this.#logger = ports.logger.child("dmi");
    this.#ports = { ...ports, logger: this.#logger };
    this.#catalogue = new DeviceCatalogue(ports.meta, ports.twin);
    this.#watch = new MapperWatch(ports.transport, ports.twin, this.#ports);
  }

  /** Serves the socket. Without it the node works on, so a socket that cannot be made is told, not thrown. */
  async start(): Promise<void> {
    const { meta, twin, transport, socketPath } = this.#ports;
    for (const mapper of meta.read(readMappers)) this.#open(mapper).lookAtAll();
    twin.once.byMapper((deviceId) => this.#sessions.has(this.#catalogue.protocolOf(deviceId) ?? ""));
    this.#registrations.use(twin.onDeviceChange((deviceId) => this.#onDeviceChange(deviceId)));
    const methods = deviceManagerMethods(this);
    try {
      this.#listening = await transport.serve({ socketPath, methods, statusOf: (error) => this.#statusOf(error) });
      this.#logger.info("Mappers can register", { socketPath });
    } catch (error) {
      this.#logger.error("Mappers cannot reach this node", {
        reason: describeError(error),
        advice: isSkerryError(error) ? error.advice : undefined,
      });
    }
  }

  /** @throws `DMI_REQUEST_INVALID`, `DMI_TOO_MANY_MAPPERS` */
  async mapperRegister(request: MapperRegisterRequest): Promise<MapperRegisterResponse> {
    const mapper = readMapper(request);
    return await this.#registering.run(async () => {
      const { protocol } = mapper;
      // Another process than the one that was given something at most once, or one that has lost its memory of it.
      for (const object of this.#catalogue.objects(protocol))
        if (object.startsWith("device/")) await this.#ports.twin.once.forget(object.slice("device/".length));
      if (!this.#sessions.has(protocol) && this.#sessions.size >= MAXIMUM_MAPPERS)
        throw tooManyMappers(protocol, MAXIMUM_MAPPERS);
      await this.#close(protocol);
      const modelList: DeviceModel[] = [];
      const deviceList: Device[] = [];
      let sizeBytes = 0;
      await this.#ports.meta.transaction((transaction) => {
        // Without data it asks for nothing, now or later, as in KubeEdge; the one before it is no longer told either.
        if (!request.withData) return removeMapper(transaction, protocol);
        writeMapper(transaction, mapper);
        for (const object of this.#catalogue.objects(protocol)) {
          const found = this.#catalogue.find(protocol, object);
          if (found === undefined || sizeBytes + found.bytes.length > MAXIMUM_ANSWER_BYTES) break;
          sizeBytes += found.bytes.length;
          if (found.kind === "device") deviceList.push(found.device);
          else modelList.push(found.model);
          writeDelivered(transaction, protocol, object, toBase64(found.bytes));
        }
      });
      this.#logger.info("A mapper has registered", { mapper: mapper.name, protocol, devices: deviceList.length });
      if (request.withData) this.#open(mapper).lookAtAll();
      return { modelList, deviceList };
    });
  }

  /** All twins of the report, or none. @throws `DMI_REQUEST_INVALID`, `DEVICETWIN_…` */
  async reportDeviceStatus(request: ReportDeviceStatusRequest): Promise<ReportDeviceStatusResponse> {
    const twins = request.reportedDevice?.twins ?? [];
    if (twins.length > MAXIMUM_TWINS_PER_REPORT)
      throw dmiRequestInvalid(`a report has ${twins.length} twins, the limit is ${MAXIMUM_TWINS_PER_REPORT}`);
    const values = new Map<string, string>();
    // What the mapper took for desired is an observation that may be old by now, so it never changes what is desired.
    const observedAtMs = new Map<string, number>();
    for (const { propertyName, reported } of twins) {
      if (!reported) continue;
      values.set(propertyName, reported.value);
      const atMs = Number(reported.metadata.get("timestamp"));
      if (Number.isSafeInteger(atMs) && atMs > 0) observedAtMs.set(propertyName, atMs);
    }
    const deviceId = deviceIdOf(request.deviceNamespace, request.deviceName);
    if (values.size > 0) await this.#ports.twin.reportValues(deviceId, values, observedAtMs);
    return {};
  }

  /** @throws `DMI_REQUEST_INVALID`, `DEVICETWIN_DEVICE_UNKNOWN`, `DEVICETWIN_STATE_UNKNOWN` */
  async reportDeviceStates(request: ReportDeviceStatesRequest): Promise<ReportDeviceStatesResponse> {
    const deviceId = deviceIdOf(request.deviceNamespace, request.deviceName);
    if (request.state === "") throw dmiRequestInvalid("a report of a device's state has no state");
    await this.#ports.twin.reportState(deviceId, request.state);
    return {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#registrations.dispose();
    await this.#listening?.[Symbol.asyncDispose]();
    await this.#watch[Symbol.asyncDispose]();
    await this.#registering.run(async () => {
      for (const protocol of [...this.#sessions.keys()]) await this.#close(protocol);
    });
  }

  #open(mapper: MapperRecord): MapperSession {
    const { transport, clock, random } = this.#ports;
    const client = transport.client(mapper.socketPath, dmiClientErrors);
    const session = new MapperSession(mapper, deviceMapperClient(client, { timeoutMs: MAPPER_CALL_TIMEOUT_MS }), {
      context: { meta: this.#ports.meta, clock, logger: this.#logger, once: this.#ports.twin.once },
      catalogue: this.#catalogue,
      retry: new RetrySchedule(retryPolicy, random),
    });
    this.#clients.set(mapper.protocol, client);
    this.#sessions.set(mapper.protocol, session);
    this.#watch.add(mapper);
    return session;
  }

  async #close(protocol: string): Promise<void> {
    const [session, client] = [this.#sessions.get(protocol), this.#clients.get(protocol)];
    this.#sessions.delete(protocol);
    this.#clients.delete(protocol);
    this.#watch.remove(protocol);
    const ended = session?.[Symbol.asyncDispose]();
    await client?.[Symbol.asyncDispose](); // Ends the call that is under way.
    await ended;
  }

  #onDeviceChange(deviceId: string): void {
    if (this.#sessions.size === 0) return;
    const model = this.#catalogue.modelObject(deviceId);
    // Every session looks: a Device may have changed its protocol.
    for (const session of this.#sessions.values())
      session.look([deviceObject(deviceId), ...(model === undefined ? [] : [model])]);
  }

  #statusOf(error: unknown): ReturnType<typeof dmiStatus> {
    const reason = describeError(error);
    if (isSkerryError(error)) this.#logger.debug("A mapper's call is refused", { reason });
    else this.#logger.error("A mapper's call failed", { reason });
    return dmiStatus(error);
  }
}

/** @throws `DMI_REQUEST_INVALID` */
function readMapper({ mapper }: MapperRegisterRequest): MapperRecord {
  if (mapper === undefined) throw dmiRequestInvalid("the registration names no mapper");
  const { name, version, protocol } = mapper;
  for (const [field, text] of Object.entries({ name, protocol }))
    if (text === "" || text.length > MAXIMUM_NAME_CHARACTERS)
      throw dmiRequestInvalid(`a mapper's ${field} has 1 to ${MAXIMUM_NAME_CHARACTERS} characters`);
  const socketPath = new TextDecoder().decode(mapper.address).replace(/^unix:(\/\/)?/, "");
  const isPath = isAbsolute(socketPath) && normalize(socketPath) === socketPath && !socketPath.includes("\0");
  if (!isPath || mapper.address.length > MAXIMUM_SOCKET_PATH_BYTES)
    throw dmiRequestInvalid(`a mapper's address is the path of its socket, at most ${MAXIMUM_SOCKET_PATH_BYTES} bytes`);
  return { name, version: version.slice(0, MAXIMUM_NAME_CHARACTERS), protocol, socketPath };
}

/** @throws `DMI_REQUEST_INVALID` */
function deviceIdOf(namespace: string, name: string): string {
  if (name === "") throw dmiRequestInvalid("the report names no device");
  if (`${namespace}${name}`.includes("/")) throw dmiRequestInvalid("names of devices and namespaces have no slash");
  return `${namespace || "default"}/${name}`;
}
