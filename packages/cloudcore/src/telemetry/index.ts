export { readStoredSamples, SqliteTelemetrySink, telemetrySinkMigrations } from "./sqlite-telemetry-sink.ts";
export { TelemetryRequests, type TelemetryRequestsOptions } from "./telemetry-requests.ts";
export { TelemetryRetention } from "./telemetry-retention.ts";
export type { AppendResult, SampleBatch, StoredSample, StoredStream, TelemetrySink } from "./telemetry-sink.ts";
export { placeBatch } from "./telemetry-sink.ts";
