export * from "./sqlite-database.ts";
