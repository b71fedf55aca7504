export * from "./connection-guard.ts";
export * from "./json-line-logger.ts";
export * from "./listen-guarded.ts";
export * from "./own-log.ts";
export * from "./read-body.ts";
export * from "./rotating-log.ts";
export * from "./system-clock.ts";
export * from "./system-random.ts";
