export * from "./host-addresses.ts";
export * from "./node-identity.ts";
export * from "./start-cloud-core.ts";
