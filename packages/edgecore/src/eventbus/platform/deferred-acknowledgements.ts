import type { MqttClient } from "mqtt";

/**
 * Messages that are being handled at the same time. What comes while a commit runs shares the next one, so a slow disk
 * makes larger commits by itself; half of them wait for the twins' commit while the other half waits for the samples'.
 * With 20 ms a commit, 3,500 messages a second make commits of about 500; the limit is for what has piled up.
 */
const MAXIMUM_MESSAGES = 2_048;
/** Their payloads together; a larger one is handled alone. */
const MAXIMUM_BYTES = 1024 * 1024;

interface Deferred {
  readonly messageId: number;
  readonly sizeBytes: number;
  isHandled: boolean;
}

/**
 * Acknowledges messages of QoS 1 when they have been handled, in the order in which they came (MQTT 3.1.1, 4.6), while
 * the next are read already. `mqtt` itself reads a message only when the one before it is acknowledged: one commit a
 * message.
 */
export class DeferredAcknowledgements {
  readonly #client: MqttClient;
  readonly #waiting: Deferred[] = [];
  /** Ids of packets that `mqtt` was told not to acknowledge, until they are handled. */
  readonly #ids = new WeakMap<object, number>();
  #bytes = 0;
  #readOn: (() => void) | undefined;

  constructor(client: MqttClient) {
    this.#client = client;
    client.on("packetreceive", (packet) => {
      if (packet.cmd !== "publish" || packet.qos !== 1 || packet.messageId === undefined) return;
      this.#ids.set(packet, packet.messageId);
      packet.qos = 0; // Then `mqtt` leaves the acknowledgement to us.
    });
  }

  /** The id of a packet whose acknowledgement is ours; undefined when it needs none. */
  take(packet: object): number | undefined {
    return this.#ids.get(packet);
  }

  /** `readOn` is called when the next message may come, `onFailed` when this one could not be handled. */
  defer(messageId: number, sizeBytes: number, handled: Promise<void>, readOn: () => void, onFailed: () => void): void {
    const deferred: Deferred = { messageId, sizeBytes, isHandled: false };
    this.#waiting.push(deferred);
    this.#bytes += sizeBytes;
    handled.then(() => {
      deferred.isHandled = true;
      this.#acknowledgeHandled();
    }, onFailed);
    if (this.#hasRoom) readOn();
    else this.#readOn = readOn;
  }

  get #hasRoom(): boolean {
    return this.#waiting.length < MAXIMUM_MESSAGES && this.#bytes < MAXIMUM_BYTES;
  }

  #acknowledgeHandled(): void {
    const packets: number[] = [];
    for (let first = this.#waiting[0]; first?.isHandled; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes -= first.sizeBytes;
      packets.push(PUBACK, 2, first.messageId >> 8, first.messageId & 0xff);
    }
    if (packets.length > 0 && this.#client.connected) this.#client.stream.write(Buffer.from(packets));
    if (!this.#hasRoom) return;
    const readOn = this.#readOn;
    this.#readOn = undefined;
    readOn?.();
  }
}

/** Type of the packet, without flags (MQTT 3.1.1, 3.4). */
const PUBACK = 0x40;
