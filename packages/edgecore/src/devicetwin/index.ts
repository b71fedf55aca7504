export type { DeviceBus } from "./device-bus.ts";
export { isDeviceTwinTopic } from "./device-topic.ts";
export { DeviceTwin } from "./device-twin.ts";
export { type DeviceTwinLimits, defaultDeviceTwinLimits } from "./limits.ts";
export {
  allTwinMigrations,
  deviceTwinMigrations,
  twinOwnersTable,
  twinReplacedTable,
  twinReportsTable,
} from "./migrations.ts";
export type { DeviceTwinPorts } from "./ports.ts";
