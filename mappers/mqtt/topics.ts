import type { DriverContext } from "@skerry/mapper";
import type { MqttClient } from "mqtt";

/** What was heard last on a topic. */
export interface Heard {
  readonly text: string;
  readonly atMs: number;
}

/** Messages of devices are small. */
const MAXIMUM_MESSAGE_BYTES = 256 * 1024;

/** The topics of one device: each is subscribed to once, and its newest message is kept. */
export class Topics {
  readonly #client: MqttClient;
  readonly #newest = new Map<string, Heard>();
  readonly #subscribed = new Map<string, Promise<unknown>>();
  readonly #followers = new Map<string, Set<(text: string) => void>>();

  constructor(client: MqttClient, clock: DriverContext["clock"]) {
    this.#client = client;
    client.on("message", (topic, payload) => {
      if (payload.length > MAXIMUM_MESSAGE_BYTES) return;
      const text = payload.toString("utf8");
      this.#newest.set(topic, { text, atMs: clock.monotonicMs() });
      for (const follower of this.#followers.get(topic) ?? []) follower(text);
    });
  }

  /** Undefined when nothing has been heard yet. @throws when the broker is gone */
  async newest(topic: string, qos: 0 | 1 | 2): Promise<Heard | undefined> {
    await this.#subscribe(topic, qos);
    if (!this.#client.connected) throw new Error("the connection to the broker is gone");
    return this.#newest.get(topic);
  }

  async follow(topic: string, qos: 0 | 1 | 2, signal: AbortSignal, follower: (text: string) => void): Promise<void> {
    const followers = this.#followers.get(topic) ?? new Set();
    this.#followers.set(topic, followers.add(follower));
    signal.addEventListener("abort", () => followers.delete(follower), { once: true });
    await this.#subscribe(topic, qos);
  }

  async publish(
    topic: string,
    payload: string,
    options: { readonly qos: 0 | 1 | 2; readonly retain: boolean },
  ): Promise<void> {
    if (!this.#client.connected) throw new Error("the connection to the broker is gone");
    await this.#client.publishAsync(topic, payload, options);
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #subscribe(topic: string, qos: 0 | 1 | 2): Promise<void> {
    if (topic.includes("#") || topic.includes("+")) throw new Error(`${topic} is a filter, not a topic`);
    const subscribed = this.#subscribed.get(topic) ?? this.#client.subscribeAsync(topic, { qos });
    this.#subscribed.set(topic, subscribed);
    await subscribed.catch((error: unknown) => {
      this.#subscribed.delete(topic);
      throw error;
    });
  }
}
