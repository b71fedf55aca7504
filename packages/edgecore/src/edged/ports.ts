export * from "./ports/container-runtime.ts";
export * from "./ports/machine.ts";
export * from "./ports/pod-groups.ts";
export * from "./ports/value-seal.ts";
