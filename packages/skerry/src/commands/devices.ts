import type { Command } from "./command.ts";

/** `skerry broker`. */
export const broker: Command = {
  name: "broker",
  summary: "the embedded MQTT broker",
  help: `skerry broker [--host ADDRESS] [--port NUMBER]

Runs an MQTT broker in this process; \`skerry up\` uses it on machines without Mosquitto.

Example:
  skerry broker --port 11883
`,
  internal: true,
  run: async (parameters) => (await import("../broker/index.ts")).runBroker(parameters),
};

/** `skerry thermometer`. */
export const thermometer: Command = {
  name: "thermometer",
  summary: "the virtual thermometer",
  help: `skerry thermometer [--broker URL] [--device NAMESPACE/NAME] [--interval-seconds NUMBER]

Plays the example device on MQTT; \`skerry up\` starts it.

Example:
  skerry thermometer --broker mqtt://127.0.0.1:1883
`,
  internal: true,
  run: async (parameters) => (await import("../thermometer/index.ts")).runThermometer(parameters),
};
