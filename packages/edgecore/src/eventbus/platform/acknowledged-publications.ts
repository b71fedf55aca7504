import type { MqttClient } from "mqtt";

/** Type and flags of the packet: PUBLISH of QoS 1 (MQTT 3.1.1, 3.3). */
const PUBLISH_ONCE_OR_MORE = 0x32;
/** Type of an acknowledgement (MQTT 3.1.1, 3.4), and the length of all of it. */
const PUBACK = 0x40;
const PUBACK_BYTES = 4;
const LARGEST_PACKET_ID = 0xffff;

/**
 * Publishes with QoS 1 past the `mqtt` package's own store: EventBus keeps what is not acknowledged itself. What is
 * published in one turn of the event loop leaves in one write; the package writes six times for each publication, which
 * is half of what a busy node's answers cost.
 */
export class AcknowledgedPublications {
  readonly #client: MqttClient;
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #packets: Buffer[] = [];
  #lastId = 0;

  /** Of a connection that publishes nothing of QoS 1 or 2 otherwise, and does not subscribe: the packet ids are all ours. */
  constructor(client: MqttClient) {
    this.#client = client;
    client.once("close", () => this.#end());
  }

  /** Takes the broker's acknowledgements; see {@link PacketTaker}. */
  take(packet: Buffer): boolean {
    if (packet[0] !== PUBACK || packet.length !== PUBACK_BYTES) return false;
    const id = packet.readUInt16BE(2);
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
    return true;
  }

  /** Resolves when the broker has it; rejects when the connection ends first. */
  publish(topic: string, payload: string): Promise<void> {
    const { connected } = this.#client;
    if (!connected || this.#waiting.size >= LARGEST_PACKET_ID) return Promise.reject(new Error("not connected"));
    const id = this.#freeId();
    const acknowledged = Promise.withResolvers<void>();
    this.#waiting.set(id, acknowledged);
    if (this.#packets.length === 0) process.nextTick(() => this.flush());
    this.#packets.push(publishPacket(id, topic, payload));
    return acknowledged.promise;
  }

  /** Writes what waits for the end of the turn: before what is written another way. */
  flush(): void {
    if (this.#packets.length === 0) return;
    const packets = Buffer.concat(this.#packets);
    this.#packets = [];
    if (this.#client.connected) this.#client.stream.write(packets);
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId % LARGEST_PACKET_ID) + 1;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }

  #end(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error("the connection has ended"));
    this.#waiting.clear();
    this.#packets = [];
  }
}

function publishPacket(id: number, topic: string, payload: string): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const restBytes = 2 + topicBytes + 2 + Buffer.byteLength(payload);
  const packet = Buffer.allocUnsafe(1 + 4 + restBytes);
  packet[0] = PUBLISH_ONCE_OR_MORE;
  let at = 1;
  // Seven bits a byte, the lowest first (MQTT 3.1.1, 2.2.3).
  for (let rest = restBytes; ; rest >>= 7) {
    packet[at++] = rest > 0x7f ? (rest & 0x7f) | 0x80 : rest;
    if (rest <= 0x7f) break;
  }
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(topic, at);
  at = packet.writeUInt16BE(id, at);
  at += packet.write(payload, at);
  return packet.subarray(0, at);
}
