export * from "./start-edge-core.ts";
