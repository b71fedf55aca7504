export * from "./memory-kubernetes-api.ts";
