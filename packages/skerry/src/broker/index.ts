export { type BrokerLimits, defaultBrokerLimits } from "./bounded-persistence.ts";
export { EmbeddedBroker, type EmbeddedBrokerOptions } from "./embedded-broker.ts";
export { runBroker } from "./run-broker.ts";
