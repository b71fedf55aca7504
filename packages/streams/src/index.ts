export * from "./connect-request.ts";
export * from "./errors.ts";
export * from "./frame.ts";
export * from "./http-head.ts";
export * from "./kubelet-path.ts";
export * from "./multiplexer.ts";
export * from "./transport.ts";
export type { ByteStream } from "./tunnel-stream.ts";
