export * from "./open-read-only.ts";
export * from "./sqlite-database.ts";
