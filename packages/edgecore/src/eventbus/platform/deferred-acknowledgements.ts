import type { MqttClient } from "mqtt";
import type { MqttMessage } from "../mqtt-connector.ts";
import type { FilteredConnection } from "./filtered-connection.ts";
import { contentOffset } from "./packet-cutter.ts";

/**
 * Messages that are being handled at the same time. What comes while a commit runs shares the next one, so a slow disk
 * makes larger commits by itself; the limit is for what has piled up. What has been read when it is met is handled too.
 */
const MAXIMUM_MESSAGES = 2_048;
/** Their payloads together; a larger one is handled alone. */
const MAXIMUM_BYTES = 1024 * 1024;

interface Deferred {
  readonly messageId: number;
  readonly sizeBytes: number;
  isHandled: boolean;
}

/** What a subscription does with its messages. */
export interface MessageHandler {
  onMessage(message: MqttMessage): Promise<void>;
  /** A message could not be handled. It is not acknowledged: the broker sends it again on the next connection. */
  onFailed(): void;
}

/**
 * Takes messages of QoS 1 before the `mqtt` package does, and acknowledges them when they have been handled, in the order in
 * which they came (MQTT 3.1.1, 4.6), while the next are read already: the package reads a message only when the one before
 * it is acknowledged, which would be one commit a message. What is handled at the same time is acknowledged in one write.
 */
export class DeferredAcknowledgements {
  readonly #client: MqttClient;
  readonly #handler: MessageHandler;
  readonly #waiting: Deferred[] = [];
  #bytes = 0;
  #held: FilteredConnection | undefined;
  #isFlushDue = false;

  constructor(client: MqttClient, handler: MessageHandler) {
    this.#client = client;
    this.#handler = handler;
  }

  /** See {@link PacketTaker}. */
  take(packet: Buffer, connection: FilteredConnection): boolean {
    const publication = readPublication(packet);
    if (publication === undefined) return false;
    const { messageId, message } = publication;
    const deferred: Deferred = { messageId, sizeBytes: message.payload.byteLength, isHandled: false };
    this.#waiting.push(deferred);
    this.#bytes += deferred.sizeBytes;
    if (!this.#hasRoom) {
      this.#held = connection;
      connection.hold();
    }
    this.#handler.onMessage(message).then(
      () => {
        deferred.isHandled = true;
        this.#flushSoon();
      },
      () => this.#handler.onFailed(),
    );
    return true;
  }

  get #hasRoom(): boolean {
    return this.#waiting.length < MAXIMUM_MESSAGES && this.#bytes < MAXIMUM_BYTES;
  }

  /** After all that the same commit has settled. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    const handled = this.#waiting.findIndex(({ isHandled }) => !isHandled);
    const first = this.#waiting.splice(0, handled === -1 ? this.#waiting.length : handled);
    const packets = Buffer.allocUnsafe(first.length * PUBACK_BYTES);
    for (const [index, { messageId, sizeBytes }] of first.entries()) {
      this.#bytes -= sizeBytes;
      packets.writeUInt16BE(PUBACK, index * PUBACK_BYTES);
      packets.writeUInt16BE(messageId, index * PUBACK_BYTES + 2);
    }
    if (packets.length > 0 && this.#client.connected) this.#client.stream.write(packets);
    if (!this.#hasRoom) return;
    this.#held?.release();
    this.#held = undefined;
  }
}

/** Type and length of the packet, without flags (MQTT 3.1.1, 3.4). */
const PUBACK = 0x4002;
const PUBACK_BYTES = 4;
/** Type and QoS 1 of the packet (MQTT 3.1.1, 3.3), whatever its other flags. */
const PUBLISH_ONCE_OR_MORE = 0x32;
const WITHOUT_OTHER_FLAGS = 0xf6;

/** A message of QoS 1; undefined when the packet is another, or has not the length for what it says. */
function readPublication(packet: Buffer): { readonly messageId: number; readonly message: MqttMessage } | undefined {
  if (((packet[0] ?? 0) & WITHOUT_OTHER_FLAGS) !== PUBLISH_ONCE_OR_MORE) return undefined;
  const topicAt = contentOffset(packet) + 2;
  if (topicAt > packet.length) return undefined;
  const idAt = topicAt + packet.readUInt16BE(topicAt - 2);
  if (idAt + 2 > packet.length) return undefined;
  const topic = packet.toString("utf8", topicAt, idAt);
  return { messageId: packet.readUInt16BE(idAt), message: { topic, payload: packet.subarray(idAt + 2), qos: 1 } };
}
