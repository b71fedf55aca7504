export * from "./edge-stream.ts";
export * from "./pod-streams.ts";
export * from "./ports.ts";
