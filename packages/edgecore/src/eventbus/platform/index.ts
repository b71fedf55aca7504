export { MqttJsConnector, type MqttJsConnectorOptions } from "./mqtt-js-connector.ts";
