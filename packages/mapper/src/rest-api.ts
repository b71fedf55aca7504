import { type Clock, describeError, isSkerryError, type JsonValue, toKubernetesTime } from "@skerry/base";
import type { DeviceWorker } from "./device-worker.ts";
import { methodUnknown } from "./errors.ts";
import type { Mapper } from "./mapper.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly contentType: "application/json" | "text/plain";
  readonly body: string;
}

const statusOfCode: Readonly<Record<string, number>> = {
  MAPPER_DEVICE_UNKNOWN: 404,
  MAPPER_PROPERTY_UNKNOWN: 404,
  MAPPER_METHOD_UNKNOWN: 404,
  MAPPER_DEVICE_OFFLINE: 503,
  MAPPER_DEVICE_BUSY: 503,
  DRIVER_VALUE_UNFIT: 400,
  DRIVER_VALUE_OUT_OF_RANGE: 400,
  DRIVER_NOT_WRITABLE: 400,
};

/**
 * A mapper's REST API with KubeEdge's paths and answers (devices.md 8.7): reads a property at the device, calls a method,
 * describes a device. Besides, `/api/v1/devices` has each device's state. Calls that write may be POST and PUT too.
 */
export class RestApi {
  readonly #mapper: Mapper;
  readonly #clock: Clock;

  constructor(mapper: Mapper, clock: Clock) {
    this.#mapper = mapper;
    this.#clock = clock;
  }

  /** Never rejects. `path` is without a query. */
  async answer(method: string, path: string): Promise<ApiAnswer> {
    try {
      const [, root, version, resource = "", ...names] = path.split("/").map(decodeURIComponent);
      if (root !== "api" || version !== "v1") return failure(404, "there is nothing at this path");
      const writes = resource === "devicemethod" && names.length === 5;
      if (method !== "GET" && !(writes && (method === "POST" || method === "PUT")))
        return failure(405, `${method} is not for this path`);
      return this.#success(await this.#resource(resource, names));
    } catch (error) {
      if (error instanceof URIError) return failure(400, "the path is not well-formed");
      const status = isSkerryError(error) ? (statusOfCode[error.code] ?? 500) : 500;
      return failure(status, describeError(error));
    }
  }

  async #resource(resource: string, names: readonly string[]): Promise<Readonly<Record<string, JsonValue>>> {
    const [first = "", second = "", third = "", fourth = "", fifth = ""] = names;
    switch (`${resource} ${names.length}`) {
      case "ping 0":
        return { Message: "This is v1 API, the mapper is running" };
      case "devices 0":
        return {
          Data: this.#mapper.devices().map(({ id, offlineReason }) => ({
            Device: id,
            State: offlineReason === undefined ? "online" : "offline",
            Reason: offlineReason ?? "",
          })),
        };
      case "device 3":
        return { Data: await this.#read(first, second, third) };
      case "devicemethod 2":
        return { Data: { Methods: methodsOf(this.#worker(first, second)) } };
      case "devicemethod 5":
        await this.#call(this.#worker(first, second), third, fourth, fifth);
        return { Message: `Wrote ${fifth} to ${fourth} by ${third}` };
      case "meta 3":
        if (first === "model") return { Data: modelOf(this.#worker(second, third)) };
    }
    throw methodUnknown(`/api/v1/${resource}`);
  }

  async #read(namespace: string, name: string, property: string): Promise<JsonValue> {
    const worker = this.#worker(namespace, name);
    const reading = await worker.read(property);
    return {
      DeviceName: name,
      PropertyName: property,
      Namespace: namespace,
      Value: reading?.text ?? "",
      Type: worker.device.properties.find((one) => one.name === property)?.type ?? "string",
      TimeStamp: reading?.timestampMs ?? this.#clock.now(),
    };
  }

  /** @throws `MAPPER_METHOD_UNKNOWN`, and what writing throws */
  async #call(worker: DeviceWorker, method: string, property: string, value: string): Promise<void> {
    const known = worker.device.methods.find(({ name }) => name === method);
    if (!known?.propertyNames.includes(property)) throw methodUnknown(`${method} with ${property}`);
    await worker.write(property, value, method);
  }

  #worker(namespace: string, name: string): DeviceWorker {
    return this.#mapper.worker(`${namespace}/${name}`);
  }

  #success(content: Readonly<Record<string, JsonValue>>): ApiAnswer {
    const timeStamp = toKubernetesTime(this.#clock.now());
    const body = JSON.stringify({ apiVersion: "v1", statusCode: 200, timeStamp, ...content });
    return { status: 200, contentType: "application/json", body };
  }
}

function methodsOf({ device: { namespace, name, methods, properties } }: DeviceWorker): JsonValue {
  return methods.map((method) => ({
    Name: method.name,
    Path: `/api/v1/devicemethod/${namespace}/${name}/${method.name}/{propertyName}/{data}`,
    Parameters: method.propertyNames.map((propertyName) => ({
      PropertyName: propertyName,
      ValueType: properties.find((property) => property.name === propertyName)?.type ?? "string",
    })),
  }));
}

function modelOf({ device: { namespace, modelName, properties } }: DeviceWorker): JsonValue {
  return {
    id: `${namespace}/${modelName}`,
    name: modelName,
    namespace,
    description: "",
    properties: properties.map(({ name, type, description, writable, range, unit }) => ({
      name,
      dataType: type,
      description,
      accessMode: writable ? "ReadWrite" : "ReadOnly",
      minimum: range.minimum === undefined ? "" : String(range.minimum),
      maximum: range.maximum === undefined ? "" : String(range.maximum),
      unit,
    })),
  };
}

function failure(status: number, body: string): ApiAnswer {
  return { status, contentType: "text/plain", body: `${body}\n` };
}
