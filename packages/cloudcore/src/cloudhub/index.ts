export * from "./cloud-hub.ts";
export * from "./cloud-hub-port.ts";
export * from "./errors.ts";
export * from "./node-objects.ts";
