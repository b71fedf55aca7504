export * from "./meta-manager.ts";
export * from "./meta-store.ts";
export { metaManagerTables, outboxStreamTable } from "./migrations.ts";
