export * from "./copy-database.ts";
export * from "./open-read-only.ts";
export * from "./sqlite-database.ts";
