import { describeError } from "@skerry/base";
import type { MqttClient } from "mqtt";
import { pushFailed } from "../errors.ts";
import { httpForm, mqttPayload, type PushSample, type PushTarget, type PushTransport } from "../push-target.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Brokers that the Devices of one mapper may name. */
const MAXIMUM_BROKERS = 64;

/** Pushes over real MQTT and HTTP; one connection a broker, kept. */
export class NetworkPushTransport implements PushTransport {
  readonly #brokers = new Map<string, Promise<MqttClient>>();

  /** @throws `MAPPER_PUSH_FAILED` */
  async push(target: PushTarget, sample: PushSample): Promise<void> {
    try {
      if (target.kind === "http") await postForm(target.url, httpForm(sample), target.timeoutMs);
      else await this.#publish(target, mqttPayload(target, sample));
    } catch (error) {
      throw pushFailed(target.kind === "http" ? target.url : target.address, describeError(error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const brokers = [...this.#brokers.values()];
    this.#brokers.clear();
    for (const connecting of brokers) {
      const client = await connecting.catch(() => undefined);
      await client?.endAsync(true);
    }
  }

  async #publish(target: PushTarget & { readonly kind: "mqtt" }, payload: string): Promise<void> {
    const client = await this.#broker(target.address);
    // Without this a client that is between two connections would collect what is published.
    if (!client.connected) throw new Error("the broker is not connected");
    await client.publishAsync(target.topic, payload, { qos: target.qos, retain: target.retained });
  }

  async #broker(address: string): Promise<MqttClient> {
    const known = this.#brokers.get(address);
    if (known) return await known;
    if (this.#brokers.size >= MAXIMUM_BROKERS) throw new Error(`${MAXIMUM_BROKERS} other brokers are in use already`);
    // Loaded on first use: few Devices push.
    const connecting = import("./mqtt.ts").then(async ({ connectAsync }) => {
      const client = await connectAsync(address, { connectTimeout: CONNECT_TIMEOUT_MS }, false);
      client.on("error", () => undefined); // It connects again by itself; a publish meanwhile says what is wrong.
      return client;
    });
    this.#brokers.set(address, connecting);
    connecting.catch(() => this.#brokers.delete(address));
    return await connecting;
  }
}

async function postForm(url: string, form: string, timeoutMs: number): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form,
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
}
