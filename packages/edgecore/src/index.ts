export * from "./devicetwin/index.ts";
export * from "./dmi/index.ts";
export { EdgeCore, type EdgeCoreOptions, type EdgeCorePorts, type EdgedMachine } from "./edge-core.ts";
export { edgeDatabaseMigrations } from "./edge-database.ts";
export * from "./edged/index.ts";
export * from "./edgehub/index.ts";
export * from "./enrolment/index.ts";
export * from "./eventbus/index.ts";
export * from "./metamanager/index.ts";
