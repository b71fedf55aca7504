export * from "./node-holders.ts";
export * from "./replica-lease.ts";
