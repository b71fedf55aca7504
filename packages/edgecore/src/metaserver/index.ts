export * from "./meta-server.ts";
export { metaServerMigrations, metaServerTables } from "./migrations.ts";
