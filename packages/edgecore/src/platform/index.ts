export * from "../hollow/platform/start-hollow-node.ts";
export * from "./runtime-status.ts";
export * from "./start-edge-core.ts";
