import type { AedesPublishPacket, Client } from "aedes";
import MemoryPersistence from "aedes-persistence/asyncPersistence.js";

/** Limits of the embedded broker's memory. */
export interface BrokerLimits {
  /** Messages that wait for one client, as Mosquitto's `max_queued_messages`. */
  readonly maximumQueuedPerClient: number;
  readonly maximumRetained: number;
  readonly maximumPayloadBytes: number;
  readonly maximumConnections: number;
}

export const defaultBrokerLimits: BrokerLimits = {
  maximumQueuedPerClient: 1_000,
  maximumRetained: 1_000,
  maximumPayloadBytes: 1024 * 1024,
  maximumConnections: 256,
};

/**
 * The sessions of aedes in memory, with limits: a client that stays away does not fill the machine. At a limit the
 * newest message is dropped, counted, as Mosquitto does.
 */
export class BoundedPersistence extends MemoryPersistence {
  readonly #limits: BrokerLimits;
  readonly #queuedByClient = new Map<string, number>();
  readonly #retainedTopics = new Set<string>();
  #droppedCount = 0;

  constructor(limits: BrokerLimits) {
    super();
    this.#limits = limits;
  }

  /** Messages lost to the limits so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  override async outgoingEnqueue(subscriber: { clientId: string }, packet: AedesPublishPacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscriber], packet);
  }

  override async outgoingEnqueueCombi(subscribers: { clientId: string }[], packet: AedesPublishPacket): Promise<void> {
    const taken = subscribers.filter(({ clientId }) => {
      const queued = this.#queuedByClient.get(clientId) ?? 0;
      if (queued >= this.#limits.maximumQueuedPerClient) {
        this.#droppedCount++;
        return false;
      }
      this.#queuedByClient.set(clientId, queued + 1);
      return true;
    });
    await super.outgoingEnqueueCombi(taken, packet);
  }

  override async outgoingClearMessageId(
    client: Client,
    packet: AedesPublishPacket,
  ): Promise<AedesPublishPacket | undefined> {
    const cleared = await super.outgoingClearMessageId(client, packet);
    const queued = this.#queuedByClient.get(client.id) ?? 0;
    if (cleared && queued > 1) this.#queuedByClient.set(client.id, queued - 1);
    else if (cleared) this.#queuedByClient.delete(client.id);
    return cleared;
  }

  override async storeRetained(packet: AedesPublishPacket): Promise<void> {
    const { topic, payload } = packet;
    if (payload.length === 0) this.#retainedTopics.delete(topic);
    else if (this.#retainedTopics.has(topic) || this.#retainedTopics.size < this.#limits.maximumRetained)
      this.#retainedTopics.add(topic);
    else {
      this.#droppedCount++;
      return;
    }
    await super.storeRetained(packet);
  }
}
