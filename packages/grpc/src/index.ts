export * from "./errors.ts";
export { GrpcCode } from "./grpc-code.ts";
export * from "./transport.ts";
