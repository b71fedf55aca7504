export * from "./adaptive-liveness.ts";
export * from "./delivery-agreement.ts";
export * from "./outbox-receipts.ts";
export * from "./set-digest.ts";
export * from "./set-messages.ts";
export * from "./skerry-delivery.ts";
