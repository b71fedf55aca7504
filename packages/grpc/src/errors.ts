import { describeError, SkerryError } from "@skerry/base";

/** Another process serves the socket. */
export function socketInUse(socketPath: string): SkerryError {
  return new SkerryError({
    code: "GRPC_SOCKET_IN_USE",
    message: `Another process already listens on ${socketPath}`,
    advice: "Stop the other process, or choose another socket path.",
    details: { socketPath },
  });
}

/** The socket cannot be made. */
export function socketFailed(socketPath: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "GRPC_SOCKET_FAILED",
    message: `The socket ${socketPath} cannot be made: ${describeError(cause)}`,
    advice: "Check that its folder can be written; the path may have at most 107 bytes.",
    details: { socketPath },
    cause,
  });
}
