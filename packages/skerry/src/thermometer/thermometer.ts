import { Socket } from "node:net";
import {
  type Clock,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Logger,
  type Random,
  type Timer,
} from "@skerry/base";
import { connect, type MqttClient } from "mqtt";
import { Room } from "./room.ts";

/** How the virtual thermometer runs. */
export interface ThermometerOptions {
  /** e.g. `mqtt://127.0.0.1:1883`. */
  readonly broker: string;
  /** `<namespace>/<name>` of its Device. @default "default/thermometer" */
  readonly deviceId?: string;
  /** How often it reports. @default 5000 */
  readonly intervalMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Messages that are not about a twin are not worth more bytes than this. */
const maximumMessageBytes = 1024 * 1024;

/**
 * A thermometer that exists only here: an MQTT client as a real driver would be one. It asks for its twin, does what
 * the delta says (`target`), and reports `temperature` and `target` (devices.md 5).
 */
export class Thermometer implements AsyncDisposable {
  readonly #options: ThermometerOptions;
  readonly #topic: string;
  readonly #intervalMs: number;
  readonly #room: Room;
  readonly #client: MqttClient;
  #timer: Timer | undefined;
  /** Whether the edge node knows the Device; until then there is nobody to report to. */
  #known = false;
  #requestCount = 0;

  constructor(options: ThermometerOptions) {
    const deviceId = options.deviceId ?? "default/thermometer";
    this.#options = options;
    this.#topic = `$hw/events/device/${deviceId}`;
    this.#intervalMs = options.intervalMs ?? 5_000;
    this.#room = new Room(options.random);
    this.#client = connect(options.broker, {
      clientId: `skerry-thermometer-${deviceId.replace("/", "-")}`,
      reconnectPeriod: 1_000,
      queueQoSZero: false,
    });
    this.#client.on("connect", () => void this.#onConnect());
    this.#client.on("message", (topic, payload) => this.#onMessage(topic, payload));
    this.#client.on("error", (error) =>
      options.logger.debug("The MQTT broker cannot be reached", { reason: error.message }),
    );
    this.#client.on("close", () => this.#onClose());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel();
    if (this.#client.connected)
      await this.#client.publishAsync(`${this.#topic}/state/update`, this.#request({ state: "offline" }), { qos: 1 });
    await this.#client.endAsync(true);
  }

  async #onConnect(): Promise<void> {
    // Small packets in a row would wait 40 ms for each other.
    if (this.#client.stream instanceof Socket) this.#client.stream.setNoDelay(true);
    const topics = ["twin/update/delta", "twin/update/result", "twin/get/result"];
    try {
      await this.#client.subscribeAsync(
        topics.map((end) => `${this.#topic}/${end}`),
        { qos: 1 },
      );
    } catch {
      return; // The connection ended; the next one begins anew.
    }
    this.#options.logger.info("The thermometer is connected to the MQTT broker", { broker: this.#options.broker });
    this.#tick();
  }

  #onClose(): void {
    this.#timer?.cancel();
    if (this.#known) this.#options.logger.info("The thermometer has lost the MQTT broker; it connects again");
    this.#known = false;
  }

  /** One period: asks until it is known, then reports. */
  #tick(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(this.#intervalMs, () => {
      this.#room.advance(this.#intervalMs);
      this.#tick();
    });
    if (this.#known) this.#report({ temperature: this.#room.temperature });
    else this.#publish("twin/get", {});
  }

  #onMessage(topic: string, payload: Buffer): void {
    const message = parse(payload);
    if (message === undefined) return;
    const end = topic.slice(this.#topic.length + 1);
    if (message["code"] !== undefined) this.#onRefusal(end, message);
    else if (end === "twin/get/result") this.#onTwin(message);
    else if (end === "twin/update/delta") this.#onDelta(message);
  }

  #onRefusal(end: string, message: JsonObject): void {
    if (message["code"] === 404)
      this.#known = false; // Not created yet, or deleted: ask again next time.
    else
      this.#options.logger.warn("The edge node refuses what the thermometer sent", {
        topic: end,
        reason: message["reason"],
      });
  }

  /** After a start: what the twin says is wanted, or was set last, holds. */
  #onTwin(message: JsonObject): void {
    const twin = message["twin"];
    const target = isJsonObject(twin) ? twin["target"] : undefined;
    const wanted = numberOf(target, "expected") ?? numberOf(target, "actual");
    if (wanted !== undefined) this.#room.target = wanted;
    if (!this.#known) this.#options.logger.info("The thermometer is a device of the edge node now");
    this.#known = true;
    this.#publish("state/update", { state: "online" });
    this.#report({ temperature: this.#room.temperature, target: String(this.#room.target) });
  }

  #onDelta(message: JsonObject): void {
    const delta = message["delta"];
    const wanted = isJsonObject(delta) ? delta["target"] : undefined;
    if (typeof wanted !== "string" || wanted === "" || !Number.isFinite(Number(wanted))) return;
    const target = Number(wanted);
    if (target !== this.#room.target) this.#options.logger.info("The thermometer has a new target", { target });
    this.#room.target = target;
    this.#report({ target: wanted });
  }

  #report(values: Readonly<Record<string, string>>): void {
    const properties = Object.entries(values).map(
      ([name, value]) => [name, { actual: { value }, metadata: { type: "float" } }] as const,
    );
    this.#publish("twin/update", { twin: Object.fromEntries(properties) });
  }

  #publish(end: string, request: JsonObject): void {
    if (!this.#client.connected) return;
    this.#client.publish(`${this.#topic}/${end}`, this.#request(request), { qos: 1 });
  }

  #request(request: JsonObject): string {
    this.#requestCount++;
    return JSON.stringify({ event_id: String(this.#requestCount), timestamp: this.#options.clock.now(), ...request });
  }
}

function numberOf(property: JsonValue | undefined, side: "expected" | "actual"): number | undefined {
  const part = isJsonObject(property) ? property[side] : undefined;
  const value = isJsonObject(part) ? part["value"] : undefined;
  if (typeof value !== "string" || value === "") return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : undefined;
}

function parse(payload: Buffer): JsonObject | undefined {
  if (payload.byteLength > maximumMessageBytes) return undefined;
  try {
    const value = JSON.parse(payload.toString("utf8")) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
