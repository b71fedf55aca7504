export * from "./edge-stream.ts";
export * from "./metrics/node-metrics.ts";
export * from "./metrics/offline-usage.ts";
export * from "./metrics/usage.ts";
export * from "./metrics/usage-meter.ts";
export * from "./pod-streams.ts";
export * from "./ports.ts";
