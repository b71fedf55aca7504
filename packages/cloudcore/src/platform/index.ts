export * from "./node-identity.ts";
