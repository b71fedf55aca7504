export * from "./meta-manager.ts";
export * from "./meta-store.ts";
export { metaManagerMigrations, metaManagerTables, outboxStreamTable, tombstoneTypes } from "./migrations.ts";
