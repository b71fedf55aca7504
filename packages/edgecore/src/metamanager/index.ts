export * from "./meta-manager.ts";
export * from "./meta-store.ts";
export {
  metaManagerMigrations,
  metaManagerTables,
  outboxEventIndex,
  outboxStreamTable,
  tombstoneTypes,
} from "./migrations.ts";
