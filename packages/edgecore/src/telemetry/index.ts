export { telemetryMigrations } from "./migrations.ts";
export { readSamples } from "./ring-table.ts";
export { noSampleRecorder, type SampleRecorder } from "./sample-port.ts";
export { defaultSampleRingLimits, SampleRing, type SampleRingLimits, type SampleRingPorts } from "./sample-ring.ts";
export { TelemetryUplink, type TelemetryUplinkPorts } from "./telemetry-uplink.ts";
