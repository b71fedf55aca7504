export * from "./any-value.ts";
export * from "./device-manager.ts";
export * from "./device-mapper.ts";
export * from "./errors.ts";
export * from "./generated/dmi.ts";
export * from "./once.ts";
