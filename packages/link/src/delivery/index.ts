export * from "./delivery-protocol.ts";
export * from "./kubeedge-delivery.ts";
export * from "./liveness.ts";
export * from "./object-delivery.ts";
export * from "./object-message.ts";
export * from "./patient-liveness.ts";
export * from "./skerry/index.ts";
