import {
  type Clock,
  describeError,
  Listeners,
  type Logger,
  type Random,
  RetrySchedule,
  type Service,
  sleep,
} from "@skerry/base";
import { type DeviceBus, isDeviceTwinTopic } from "../devicetwin/index.ts";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { CloudUpload, decodeText } from "./cloud-upload.ts";
import type { MqttConnector, MqttMessage, MqttSession } from "./mqtt-connector.ts";
import { PublishQueue } from "./publish-queue.ts";
import { RuleTopics } from "./rule-topics.ts";
import { topicFilters } from "./topic-filters.ts";

/** What EventBus needs. */
export interface EventBusPorts {
  readonly mqtt: MqttConnector;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Messages with more payload are dropped, counted. @default 1 MiB */
  readonly maximumPayloadBytes?: number;
}

type DeviceMessageHandler = (topic: string, payload: string) => Promise<void>;

/** Device messages of QoS 0 that may wait for their commit together; they share its sync. */
const maximumUnacknowledged = 64;

/**
 * The bridge to the node's MQTT broker (edge.md 9). It holds one persistent session and reconnects for ever; messages
 * for DeviceTwin are acknowledged to the broker after DeviceTwin's commit, all others go to the cloud, best effort.
 */
export class EventBus implements Service, DeviceBus {
  readonly #ports: EventBusPorts;
  readonly #logger: Logger;
  readonly #queue = new PublishQueue();
  readonly #upload: CloudUpload;
  readonly #ruleTopics: RuleTopics;
  readonly #connected: Listeners<void>;
  readonly #stop = new AbortController();
  readonly #maximumPayloadBytes: number;
  #handler: DeviceMessageHandler | undefined;
  #session: MqttSession | undefined;
  #running: Promise<void> | undefined;
  #unacknowledged = new Set<Promise<void>>();
  #roomAwaited: PromiseWithResolvers<void> | undefined;
  #refusedCount = 0;

  constructor(ports: EventBusPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("eventbus");
    this.#maximumPayloadBytes = ports.maximumPayloadBytes ?? 1024 * 1024;
    this.#upload = new CloudUpload({ ...ports, logger: this.#logger });
    this.#ruleTopics = new RuleTopics(this.#logger);
    this.#connected = new Listeners((error) =>
      this.#logger.error("A listener of EventBus failed", { reason: describeError(error) }),
    );
  }

  /** Whether there is a session with the broker now. */
  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** What was lost to limits, or because the cloud was away, so far. */
  get counters(): {
    publicationsDropped: number;
    uploadsSent: number;
    uploadsDropped: number;
    messagesRefused: number;
  } {
    return {
      publicationsDropped: this.#queue.droppedCount,
      uploadsSent: this.#upload.sentCount,
      uploadsDropped: this.#upload.droppedCount,
      messagesRefused: this.#refusedCount,
    };
  }

  /** Begins to connect; never waits for the broker. DeviceTwin must have been started before. */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  publish(topic: string, payload: string): void {
    this.#queue.push({ topic, payload });
    this.#pump();
  }

  publishOnce(topic: string, payload: string): boolean {
    return this.#session?.publishOnce(topic, payload) ?? false;
  }

  /** Further topic filters, whose messages go to the cloud; from now on, instead of those of before. */
  setRuleTopics(filters: readonly string[]): void {
    this.#ruleTopics.set(filters);
  }

  onDeviceMessage(handler: DeviceMessageHandler): Disposable {
    this.#handler = handler;
    return { [Symbol.dispose]: () => this.#forgetHandler(handler) };
  }

  onConnected(listener: () => void): Disposable {
    return this.#connected.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.allSettled(this.#unacknowledged);
  }

  /** Connects, waits for the end of the session, connects again. */
  async #run(): Promise<void> {
    const { clock, mqtt, random } = this.#ports;
    const { signal } = this.#stop;
    const retry = new RetrySchedule({ initialMs: 250, maximumMs: 5_000 }, random);
    while (!signal.aborted) {
      try {
        const reason = await this.#runSession(retry);
        if (!signal.aborted)
          this.#logger.warn("The connection to the MQTT broker is lost; connecting again", {
            broker: mqtt.broker,
            reason,
          });
      } catch (error) {
        if (signal.aborted) break;
        // The first time loud, then quiet: a broker that is away for a day must not fill the log.
        const say = retry.attempt === 0 ? "warn" : "debug";
        this.#logger[say]("The MQTT broker cannot be reached; trying again", { reason: describeError(error) });
      }
      if (!signal.aborted) await sleep(clock, retry.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** One session from connect to close; returns why it ended. */
  async #runSession(retry: RetrySchedule): Promise<string> {
    const { mqtt, clock } = this.#ports;
    const { signal } = this.#stop;
    const closed = Promise.withResolvers<string>();
    const stop = (): void => closed.resolve("EdgeCore stops");
    signal.addEventListener("abort", stop, { once: true });
    const startedMs = clock.monotonicMs();
    try {
      await using session = await mqtt.connect(
        topicFilters,
        { onMessage: (message) => this.#onMessage(message), onClose: (reason) => closed.resolve(reason) },
        signal,
      );
      this.#session = session;
      this.#ruleTopics.sessionOpened(session);
      this.#logger.info("Connected to the MQTT broker", {
        broker: mqtt.broker,
        tookMs: Math.round(clock.monotonicMs() - startedMs),
      });
      retry.reset();
      this.#connected.emit();
      this.#pump();
      const reason = await closed.promise;
      this.#session = undefined;
      this.#ruleTopics.sessionEnded();
      return reason;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#session = undefined;
      this.#queue.startOver();
      this.#tellRoom();
    }
  }

  /** Sends what the window allows. */
  #pump(): void {
    const session = this.#session;
    if (session === undefined) return;
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) {
      const publication = next;
      session.publish(publication.topic, publication.payload).then(
        () => {
          this.#queue.acknowledge(publication);
          if (this.#queue.hasRoom) this.#tellRoom();
          this.#pump();
        },
        (error: unknown) => {
          this.#logger.debug("A publication was cut off", { topic: publication.topic, reason: describeError(error) });
        },
      );
    }
  }

  async #onMessage(message: MqttMessage): Promise<void> {
    const { topic, payload, qos } = message;
    if (payload.byteLength > this.#maximumPayloadBytes) {
      this.#refusedCount++;
      this.#logger.warn("An MQTT message is dropped: it is too large", {
        topic,
        sizeBytes: payload.byteLength,
        limitBytes: this.#maximumPayloadBytes,
      });
      return;
    }
    if (!isDeviceTwinTopic(topic)) {
      if (this.#ruleTopics.isFor(topic)) this.#upload.upload(topic, payload);
      return;
    }
    if (!this.#queue.hasRoom) await this.#untilRoom();
    const handled = this.#handleDeviceMessage(topic, payload);
    if (qos > 0) await handled;
    else await this.#letRun(handled);
  }

  /** Back-pressure: while answers pile up, requests wait at the broker. Without a session nothing comes in anyway. */
  async #untilRoom(): Promise<void> {
    while (this.#session !== undefined && !this.#queue.hasRoom) {
      this.#roomAwaited ??= Promise.withResolvers<void>();
      await this.#roomAwaited.promise;
    }
  }

  #tellRoom(): void {
    this.#roomAwaited?.resolve();
    this.#roomAwaited = undefined;
  }

  async #handleDeviceMessage(topic: string, payload: Uint8Array): Promise<void> {
    const text = decodeText(payload) ?? ""; // DeviceTwin answers that this is not JSON.
    try {
      await this.#handler?.(topic, text);
    } catch (error) {
      this.#logger.error("A device message could not be handled", { topic, reason: describeError(error) });
    }
  }

  /** QoS 0 has no acknowledgement to hold back: several commit together, up to the limit. */
  async #letRun(handled: Promise<void>): Promise<void> {
    const tracked = handled.finally(() => this.#unacknowledged.delete(tracked));
    this.#unacknowledged.add(tracked);
    if (this.#unacknowledged.size >= maximumUnacknowledged) await Promise.race(this.#unacknowledged);
  }

  #forgetHandler(handler: DeviceMessageHandler): void {
    if (this.#handler === handler) this.#handler = undefined;
  }
}
