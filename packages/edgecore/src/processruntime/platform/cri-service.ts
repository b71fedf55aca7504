import { isSkerryError } from "@skerry/base";
import { type CallStatus, GrpcCode, type UnaryMethod } from "@skerry/grpc";
import { imageMethods } from "./image-methods.ts";
import type { ImageStore } from "./image-store.ts";
import { type RuntimeMethodsPorts, runtimeMethods } from "./runtime-methods.ts";
import { streamMethods } from "./streaming/stream-methods.ts";
import type { StreamingServer } from "./streaming/streaming-server.ts";

/** What the service is about. */
export interface CriServicePorts extends RuntimeMethodsPorts {
  readonly images: ImageStore;
  readonly streaming: StreamingServer;
}

/** The unary methods of the Container Runtime Interface v1 that EdgeCore calls, by their paths. */
export function criMethods(ports: CriServicePorts): Map<string, UnaryMethod> {
  return new Map([
    ...runtimeMethods(ports),
    ...streamMethods(ports, ports.streaming),
    ...imageMethods(ports.images, ports.containers),
  ]);
}

/** What a failed call tells the caller. */
export function criStatus(error: unknown): CallStatus {
  const message = error instanceof Error ? error.message : String(error);
  if (isSkerryError(error, "PROCESS_RUNTIME_NOT_FOUND")) return { code: GrpcCode.notFound, message };
  return { code: GrpcCode.unknown, message };
}
