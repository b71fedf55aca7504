export * from "./cloud-stream.ts";
