import type { MqttClient } from "mqtt";
import { brokerAddressInvalid, brokerUnreachable, subscriptionRefused } from "../errors.ts";
import type { MqttConnector, MqttSession, MqttSessionHandlers } from "../mqtt-connector.ts";
import { AcknowledgedPublications } from "./acknowledged-publications.ts";
import { DeferredAcknowledgements } from "./deferred-acknowledgements.ts";
import type { MqttClientOptions } from "./mqtt-client.ts";

/** How to reach a broker. */
export interface MqttJsConnectorOptions {
  /** As KubeEdge writes it: `tcp://127.0.0.1:1883`, `ssl://…`. */
  readonly address: string;
  /** Stable over restarts: the broker keeps this client's messages while EdgeCore is away. */
  readonly subscriberId: string;
  readonly publisherId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM texts, when the broker wants TLS. */
  readonly tls?: { readonly ca: string; readonly certificate?: string; readonly privateKey?: string };
  /** @default 5 s */
  readonly connectTimeoutMs?: number;
}

const protocols: Readonly<Record<string, { readonly encrypted: boolean; readonly port: number }>> = {
  "tcp:": { encrypted: false, port: 1883 },
  "mqtt:": { encrypted: false, port: 1883 },
  "ssl:": { encrypted: true, port: 8883 },
  "tls:": { encrypted: true, port: 8883 },
  "mqtts:": { encrypted: true, port: 8883 },
};

/**
 * {@link MqttConnector} with the `mqtt` package: MQTT 3.1.1. As in KubeEdge a session is two connections, one that
 * subscribes (its session is kept by the broker) and one that publishes: `mqtt` reads one packet after the other, so on
 * one connection messages that wait for their commit would hold up the acknowledgements of what is published.
 */
export class MqttJsConnector implements MqttConnector {
  readonly broker: string;
  readonly #options: MqttClientOptions;
  readonly #subscriberId: string;
  readonly #publisherId: string;

  /** @throws SkerryError `EVENTBUS_BROKER_ADDRESS_INVALID` */
  constructor(options: MqttJsConnectorOptions) {
    const url = URL.canParse(options.address) ? new URL(options.address) : undefined;
    const protocol = url && protocols[url.protocol];
    if (url === undefined || protocol === undefined || url.hostname === "") throw brokerAddressInvalid(options.address);
    this.broker = options.address;
    this.#subscriberId = options.subscriberId;
    this.#publisherId = options.publisherId;
    this.#options = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? protocol.port : Number(url.port),
      reconnectPeriod: 0, // EventBus reconnects, on its own clock.
      resubscribe: false,
      keepalive: 30,
      connectTimeout: options.connectTimeoutMs ?? 5_000,
      ...(options.username ? { username: options.username } : {}),
      ...(options.password ? { password: options.password } : {}),
      // PEM texts that come without `ssl://` mean encryption too.
      ...(protocol.encrypted || (options.tls?.certificate && options.tls.privateKey) ? { tls: options.tls ?? {} } : {}),
    };
  }

  async connect(
    topicFilters: readonly string[],
    handlers: MqttSessionHandlers,
    signal: AbortSignal,
  ): Promise<MqttSession> {
    // Only now: EdgeCore's start does not wait for the package to load.
    const { openMqttClient } = await import("./mqtt-client.ts");
    signal.throwIfAborted();
    const publisher = openMqttClient({ ...this.#options, clientId: this.#publisherId, clean: true }, (packet) =>
      publications.take(packet),
    );
    const subscriber = openMqttClient(
      { ...this.#options, clientId: this.#subscriberId, clean: false },
      (packet, connection) => acknowledgements.take(packet, connection),
    );
    const end = (): void => {
      publisher.end(true);
      subscriber.end(true);
    };
    const publications = new AcknowledgedPublications(publisher);
    const acknowledgements = new DeferredAcknowledgements(subscriber, {
      onMessage: (message) => handlers.onMessage(message),
      onFailed: end,
    });
    // Messages of the other qualities of service, one after the other.
    subscriber.handleMessage = ({ topic, payload, qos }, readOn) => {
      const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
      handlers.onMessage({ topic, payload: bytes, qos }).then(() => readOn(), end);
    };
    signal.addEventListener("abort", end, { once: true });
    try {
      await Promise.all([connected(publisher, this.broker), connected(subscriber, this.broker)]);
      await this.#subscribe(subscriber, topicFilters);
    } catch (error) {
      end();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
    reportClose([publisher, subscriber], handlers);
    return {
      publish: (topic, payload) => publications.publish(topic, payload),
      publishOnce: (topic, payload) => {
        if (!publisher.connected) return false;
        publications.flush();
        publisher.publish(topic, payload, { qos: 0 });
        return true;
      },
      subscribe: (topicFilter) => this.#subscribe(subscriber, [topicFilter]),
      unsubscribe: async (topicFilter) => {
        await subscriber.unsubscribeAsync(topicFilter);
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.all([close(publisher), close(subscriber)]);
      },
    };
  }

  async #subscribe(client: MqttClient, topicFilters: readonly string[]): Promise<void> {
    const granted = await client.subscribeAsync([...topicFilters], { qos: 1 });
    const refused = granted.filter(({ qos }) => qos === 128).map(({ topic }) => topic);
    if (refused.length > 0) throw subscriptionRefused(this.broker, refused);
  }
}

function connected(client: MqttClient, broker: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = "no answer";
    client.on("error", (error) => {
      reason = errorText(error);
    });
    client.once("connect", () => resolve());
    client.once("close", () => reject(brokerUnreachable(broker, reason)));
  });
}

/** Reports the end of the first connection that ends, once. */
function reportClose(clients: readonly MqttClient[], handlers: MqttSessionHandlers): void {
  let reported = false;
  const report = (reason: string): void => {
    if (!reported) handlers.onClose(reason);
    reported = true;
  };
  for (const client of clients) {
    let reason = "the broker closed the connection";
    client.on("error", (error) => {
      reason = errorText(error);
    });
    if (client.connected) client.once("close", () => report(reason));
    else report(reason);
  }
}

/** How long a broker may take to see the connection off. */
const closeTimeoutMs = 1_000;

/** Ends the connection; what the broker has not acknowledged is EventBus's to send again. */
function close(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => client.end(true, () => resolve()), closeTimeoutMs);
    client.end(!client.connected, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** `AggregateError` (several addresses refused) has an empty message. */
function errorText(error: Error): string {
  if (error.message !== "") return error.message;
  return error instanceof AggregateError ? error.errors.map(String).join(", ") : error.name;
}
