export * from "./node-log-files.ts";
