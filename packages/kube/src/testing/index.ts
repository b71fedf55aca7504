export * from "./manual-clock.ts";
export * from "./memory-kubernetes-api.ts";
export * from "./seeded-random.ts";
