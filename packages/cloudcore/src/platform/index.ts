export * from "./load-cloud-core-config.ts";
export * from "./node-identity.ts";
export * from "./start-cloud-core.ts";
