export * from "./ports/container-runtime.ts";
export * from "./ports/machine.ts";
