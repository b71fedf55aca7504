import { type Clock, disposable, Listeners } from "@skerry/base";
import { matchesTopic } from "@skerry/link";
import { brokerUnreachable } from "../errors.ts";
import type { MqttConnector, MqttMessage, MqttSession, MqttSessionHandlers } from "../mqtt-connector.ts";

/** A message that a client of the broker has published. */
export interface BrokerPublication {
  readonly topic: string;
  readonly payload: string;
}

/** What the broker keeps for one subscriber, also while it is away. */
interface KeptSession {
  topicFilters: readonly string[];
  readonly waiting: MqttMessage[];
  connection: { readonly handlers: MqttSessionHandlers; delivering: boolean } | undefined;
}

/**
 * An MQTT broker in memory on a {@link Clock}, for the simulation: persistent sessions, QoS 1 (a message is delivered
 * again until it is acknowledged), one message at a time, and outages. The same run on the same clock is the same.
 */
export class MemoryBroker {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #sessions = new Map<string, KeptSession>();
  readonly #listeners = new Listeners<BrokerPublication>(() => {});
  #reachable = true;

  /** `delayMs` is the time a packet takes. */
  constructor(clock: Clock, delayMs = 1) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** How EventBus reaches this broker; the broker keeps the session of `subscriberId`. */
  connector(subscriberId: string): MqttConnector {
    return {
      broker: "memory",
      connect: async (topicFilters, handlers, signal) => {
        await this.#delay();
        signal.throwIfAborted();
        if (!this.#reachable) throw brokerUnreachable("memory", "it is down");
        return this.#open(subscriberId, topicFilters, handlers);
      },
    };
  }

  /** A device's client publishes. Nothing happens while the broker is down. */
  publish(topic: string, payload: string, qos: 0 | 1 = 1): void {
    if (!this.#reachable) return;
    this.#listeners.emit({ topic, payload });
    for (const session of this.#sessions.values()) {
      if (!session.topicFilters.some((filter) => matchesTopic(filter, topic))) continue;
      if (qos === 0 && session.connection === undefined) continue;
      session.waiting.push({ topic, payload: new TextEncoder().encode(payload), qos });
      void this.#deliver(session);
    }
  }

  /** Called for everything that is published, by EdgeCore too. */
  onPublish(listener: (publication: BrokerPublication) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** The broker's process ends: connections break; sessions are kept, as Mosquitto does on its disk. */
  stop(): void {
    this.#reachable = false;
    for (const session of this.#sessions.values()) this.#close(session, "the broker stopped");
  }

  restart(): void {
    this.#reachable = true;
  }

  #open(subscriberId: string, topicFilters: readonly string[], handlers: MqttSessionHandlers): MqttSession {
    const session = this.#sessions.get(subscriberId) ?? { topicFilters, waiting: [], connection: undefined };
    this.#sessions.set(subscriberId, session);
    this.#close(session, "another connection has the same client id");
    session.topicFilters = topicFilters;
    const connection = { handlers, delivering: false };
    session.connection = connection;
    void this.#deliver(session);
    const leave = disposable(() => {
      if (session.connection === connection) session.connection = undefined;
    });
    return {
      publish: async (topic, payload) => {
        await this.#delay();
        if (session.connection !== connection) throw brokerUnreachable("memory", "the connection has ended");
        this.publish(topic, payload);
      },
      publishOnce: (topic, payload) => {
        if (session.connection !== connection) return false;
        this.#clock.setTimer(this.#delayMs, () => this.publish(topic, payload, 0));
        return true;
      },
      subscribe: async (topicFilter) => {
        await this.#delay();
        session.topicFilters = [...session.topicFilters, topicFilter];
      },
      unsubscribe: async (topicFilter) => {
        await this.#delay();
        session.topicFilters = session.topicFilters.filter((other) => other !== topicFilter);
      },
      [Symbol.asyncDispose]: async () => leave[Symbol.dispose](),
    };
  }

  /** Hands over what waits, one after the other; what is not acknowledged on this connection waits for the next. */
  async #deliver(session: KeptSession): Promise<void> {
    const { connection } = session;
    if (connection === undefined || connection.delivering) return;
    connection.delivering = true;
    for (;;) {
      await this.#delay();
      const message = session.waiting[0];
      if (message === undefined || session.connection !== connection) break;
      await connection.handlers.onMessage(message);
      if (session.connection !== connection) break;
      session.waiting.shift();
    }
    connection.delivering = false;
  }

  #close(session: KeptSession, reason: string): void {
    const { connection } = session;
    session.connection = undefined;
    connection?.handlers.onClose(reason);
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(this.#delayMs, resolve));
  }
}
