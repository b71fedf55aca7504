export * from "./runtime-status.ts";
export * from "./start-edge-core.ts";
