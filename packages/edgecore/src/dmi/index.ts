export { toDmiDevice, toDmiModel } from "./device-conversion.ts";
export { DmiServer, type DmiServerPorts } from "./dmi-server.ts";
export { dmiMigrations } from "./migrations.ts";
