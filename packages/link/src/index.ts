export * from "./errors.ts";
export * from "./message.ts";
export * from "./message-builders.ts";
export * from "./message-codec.ts";
export * from "./object-response.ts";
export * from "./resource-path.ts";
export * from "./routes.ts";
export * from "./transport.ts";
