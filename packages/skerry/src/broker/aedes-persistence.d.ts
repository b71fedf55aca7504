/** The parts of aedes' sessions in memory that BoundedPersistence overrides; the package types only another entry. */
declare module "aedes-persistence/asyncPersistence.js" {
  import type { AedesPublishPacket, Client } from "aedes";

  class MemoryPersistence {
    outgoingEnqueue(subscriber: { clientId: string }, packet: AedesPublishPacket): Promise<void>;
    outgoingEnqueueCombi(subscribers: { clientId: string }[], packet: AedesPublishPacket): Promise<void>;
    outgoingClearMessageId(client: Client, packet: AedesPublishPacket): Promise<AedesPublishPacket | undefined>;
    storeRetained(packet: AedesPublishPacket): Promise<void>;
  }
  export = MemoryPersistence;
}
