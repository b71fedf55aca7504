export * from "./meta-manager.ts";
export * from "./meta-store.ts";
export { metaManagerTables } from "./migrations.ts";
