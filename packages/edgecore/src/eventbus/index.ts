export { EventBus, type EventBusPorts } from "./event-bus.ts";
export type { MqttConnector, MqttMessage, MqttSession, MqttSessionHandlers } from "./mqtt-connector.ts";
export { RuleMessages } from "./rule-messages.ts";
export { topicFilters } from "./topic-filters.ts";
