export * from "./cloud-core.ts";
export * from "./host-addresses.ts";
export * from "./node-identity.ts";
export { openTelemetrySink } from "./open-telemetry-sink.ts";
export * from "./start-cloud-core.ts";
