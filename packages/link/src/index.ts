export * from "./message.ts";
export * from "./transport.ts";
