export * from "./cri-streaming.ts";
export * from "./loopback-relay.ts";
export * from "./node-log-files.ts";
