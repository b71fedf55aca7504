export * from "./connection-pair.ts";
