import { type Device, deviceModels, devices, type KubernetesObject } from "@skerry/api";
import { type Clock, isJsonObject, type JsonObject } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { connectAsync, type MqttClient } from "mqtt";
import { eventually } from "./eventually.ts";

/** The demo's own device, so that nobody else's values come between. */
const NAME = "demo-sensor";
const TOPIC = `$hw/events/device/default/${NAME}`;
const DEVICE = { resource: devices, namespace: "default", name: NAME };
const MODEL = { resource: deviceModels, namespace: "default", name: NAME };
/** More messages than the demo causes; older ones go. */
const KEPT_MESSAGES = 1_000;

/** A device of the demo, seen from both sides: MQTT at the edge and the Device object in the cloud. */
export class DemoDevice implements AsyncDisposable {
  readonly #api: KubernetesApi;
  readonly #clock: Clock;
  readonly #mqtt: MqttClient;
  readonly #received: { topic: string; body: JsonObject }[] = [];
  #published = 0;

  private constructor(api: KubernetesApi, clock: Clock, mqtt: MqttClient) {
    this.#api = api;
    this.#clock = clock;
    this.#mqtt = mqtt;
    mqtt.on("message", (topic, payload) => {
      const body: unknown = parse(payload);
      if (isJsonObject(body)) this.#received.push({ topic, body });
      if (this.#received.length > KEPT_MESSAGES) this.#received.shift();
    });
  }

  static async create(api: KubernetesApi, clock: Clock, mqttPort: number, node: string): Promise<DemoDevice> {
    const mqtt = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: `skerry-demo-${process.pid}` });
    const device = new DemoDevice(api, clock, mqtt);
    const ends = ["twin/update/delta", "twin/update/result", "twin/get/result"];
    await mqtt.subscribeAsync(
      ends.map((end) => `${TOPIC}/${end}`),
      { qos: 1 },
    );
    await device.#createObjects(node);
    return device;
  }

  /** Waits until the edge node knows the device. */
  async knownAtEdge(): Promise<void> {
    let asked = 0;
    await eventually(this.#clock, `the edge node knows the device ${NAME}`, async () => {
      if (asked++ % 10 === 0) await this.#publish("twin/get", {});
      return this.#received.some(({ topic, body }) => topic.endsWith("/twin/get/result") && isJsonObject(body["twin"]))
        ? true
        : undefined;
    });
  }

  /** What the device measures, as a driver reports it; resolves when the edge node has accepted it. */
  async report(value: string): Promise<void> {
    const eventId = await this.#publish("twin/update", { twin: { level: { actual: { value } } } });
    await eventually(this.#clock, `the edge node accepts level ${value}`, async () => {
      const result = this.#received.find(({ body }) => body["event_id"] === eventId)?.body;
      if (result?.["reason"] !== undefined) throw new Error(String(result["reason"]));
      return result;
    });
  }

  /** Waits until the Device object says that value. */
  async reportedInCloud(value: string): Promise<void> {
    await eventually(this.#clock, `the Device reports level ${value}`, async () => {
      const device = await this.#api.get<Device>(DEVICE);
      const twin = device.status?.twins?.find(({ propertyName }) => propertyName === "level");
      if (twin?.reported?.value === value) return true;
      throw new Error(`it says ${twin?.reported?.value ?? "nothing"}`);
    });
  }

  /** What the device should do, set in the cloud as `kubectl patch` does. */
  async desire(value: string): Promise<void> {
    const properties = [{ name: "level", desired: { value }, reportToCloud: true }];
    await this.#api.patch(DEVICE, { type: "merge", body: { spec: { properties } } });
  }

  /** Waits until the wish is on MQTT. */
  async deltaAtEdge(value: string): Promise<void> {
    await eventually(this.#clock, `the delta level ${value} is on MQTT`, async () => this.hasDelta(value) || undefined);
  }

  /** Whether the wish was on MQTT up to now. */
  hasDelta(value: string): boolean {
    return this.#received.some(
      ({ topic, body }) =>
        topic.endsWith("/twin/update/delta") && isJsonObject(body["delta"]) && body["delta"]["level"] === value,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mqtt.endAsync(true);
    for (const target of [DEVICE, MODEL])
      await this.#api.delete(target).catch((error: unknown) => {
        if (!isApiError(error, "NotFound")) throw error;
      });
  }

  async #createObjects(node: string): Promise<void> {
    const metadata = { name: NAME, namespace: "default" };
    const apiVersion = "devices.kubeedge.io/v1beta1";
    const model = {
      apiVersion,
      kind: "DeviceModel",
      metadata,
      spec: { protocol: "mqtt", properties: [{ name: "level", type: "INT", accessMode: "ReadWrite" }] },
    };
    const device = {
      apiVersion,
      kind: "Device",
      metadata,
      spec: {
        deviceModelRef: { name: NAME },
        nodeName: node,
        protocol: { protocolName: "mqtt" },
        properties: [{ name: "level", reportToCloud: true }],
      },
    };
    await this.#replace(MODEL, model);
    await this.#replace(DEVICE, device);
  }

  /** An earlier demo that was broken off may have left the object: it begins anew, because the first value counts. */
  async #replace(target: typeof DEVICE, object: KubernetesObject): Promise<void> {
    try {
      await this.#api.create(target, object);
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
      await this.#api.delete(target);
      await eventually(this.#clock, `${object.kind} ${NAME} can be created`, () => this.#api.create(target, object));
    }
  }

  /** Publishes a request and returns its event id. */
  async #publish(end: string, body: JsonObject): Promise<string> {
    const eventId = `demo-${++this.#published}`;
    const message = { event_id: eventId, timestamp: this.#clock.now(), ...body };
    await this.#mqtt.publishAsync(`${TOPIC}/${end}`, JSON.stringify(message), { qos: 1 });
    return eventId;
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
}
