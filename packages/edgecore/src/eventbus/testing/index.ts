export { type BrokerPublication, MemoryBroker } from "./memory-broker.ts";
