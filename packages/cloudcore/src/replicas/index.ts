export * from "./awaited-nodes.ts";
export * from "./node-holders.ts";
export * from "./replica-lease.ts";
