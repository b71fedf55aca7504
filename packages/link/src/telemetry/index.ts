export * from "./sample.ts";
export * from "./sample-block.ts";
export * from "./telemetry-messages.ts";
