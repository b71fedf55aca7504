/** A message as the broker hands it over. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Quality of service of the delivery. */
  readonly qos: 0 | 1 | 2;
}

/** What a session calls back; `onMessage` may come before `connect` has resolved. Nothing comes after `onClose`. */
export interface MqttSessionHandlers {
  /**
   * One message; the next one comes when the promise has settled, and only then is this one acknowledged to the broker.
   */
  onMessage(message: MqttMessage): Promise<void>;
  onClose(reason: string): void;
}

/** One connection to the broker. */
export interface MqttSession extends AsyncDisposable {
  /** Publishes with QoS 1; resolves when the broker has it. Rejects when the connection ends first. */
  publish(topic: string, payload: string): Promise<void>;
  /** Publishes with QoS 0: at most once to each client. Returns false when the connection is gone already. */
  publishOnce(topic: string, payload: string): boolean;
  /** Adds a topic filter with QoS 1. Rejects when the broker refuses it, or the connection ends. */
  subscribe(topicFilter: string): Promise<void>;
  unsubscribe(topicFilter: string): Promise<void>;
}

/** Connects to the one broker it was made for; real with the `mqtt` package, simulated in `sim/`. */
export interface MqttConnector {
  /** The broker's address, for people. */
  readonly broker: string;
  /**
   * Opens a session that the broker keeps while EdgeCore is away, with these topic filters at QoS 1.
   * @throws SkerryError `EVENTBUS_BROKER_UNREACHABLE`, `EVENTBUS_SUBSCRIPTION_REFUSED`
   */
  connect(topicFilters: readonly string[], handlers: MqttSessionHandlers, signal: AbortSignal): Promise<MqttSession>;
}
