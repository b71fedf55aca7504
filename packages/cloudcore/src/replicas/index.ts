export * from "./replica-lease.ts";
