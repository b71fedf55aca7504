import { describeError, isSkerryError, SkerryError } from "@skerry/base";
import { type CallStatus, type ClientErrors, GrpcCode } from "@skerry/grpc";

/** A request of the DMI says something that cannot be. */
export function dmiRequestInvalid(what: string): SkerryError {
  return new SkerryError({
    code: "DMI_REQUEST_INVALID",
    message: what,
    advice: "Correct the mapper; devices, models and mappers have names, a mapper has a protocol and a socket.",
  });
}

/** What the call is about is not here. */
export function dmiNotFound(what: string): SkerryError {
  return new SkerryError({
    code: "DMI_NOT_FOUND",
    message: what,
    advice: "It may have been removed meanwhile; register the mapper again to get the node's devices.",
  });
}

/** The node has all the mappers it may have. */
export function tooManyMappers(protocol: string, limit: number): SkerryError {
  return new SkerryError({
    code: "DMI_TOO_MANY_MAPPERS",
    message: `the mapper of protocol ${protocol} is not taken: the node already has ${limit} mappers`,
    advice: "One mapper serves all devices of a protocol; let protocols share mappers, or use another node.",
    details: { protocol, limit },
  });
}

/** The other side of the DMI cannot be reached. */
export function dmiUnavailable(socketPath: string, cause: unknown): SkerryError {
  // The stream's own error only says that the connection's ended it.
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return new SkerryError({
    code: "DMI_UNAVAILABLE",
    message: `nobody answers at ${socketPath}: ${describeError(reason)}`,
    advice: "Check that the process which serves it runs, and that this one may open the socket.",
    details: { socketPath },
  });
}

/** The other side of the DMI did not answer in time. */
export function dmiTimeout(method: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "DMI_TIMEOUT",
    message: `${method} was not answered within ${timeoutMs} ms`,
    advice: "It is tried again; if it stays, look at the log of the process that serves it.",
    details: { method, timeoutMs },
  });
}

/** The other side of the DMI refused a call. */
export function dmiRefused(method: string, grpcCode: number, message: string): SkerryError {
  return new SkerryError({
    code: grpcCode === GrpcCode.notFound ? "DMI_NOT_FOUND" : "DMI_REFUSED",
    message: `${method} was refused: ${message}`,
    advice: "The reason is the other side's own; its log says more.",
    details: { method, grpcCode },
  });
}

/** How clients of both services name their failures. */
export const dmiClientErrors: ClientErrors = { unavailable: dmiUnavailable, timeout: dmiTimeout, failed: dmiRefused };

/** The status of a failed DMI call: what is the caller's fault says so. */
export function dmiStatus(error: unknown): CallStatus {
  if (isSkerryError(error, "DMI_NOT_FOUND") || isSkerryError(error, "DEVICETWIN_DEVICE_UNKNOWN"))
    return { code: GrpcCode.notFound, message: error.message };
  if (isSkerryError(error, "DMI_REQUEST_INVALID") || (isSkerryError(error) && error.code.startsWith("DEVICETWIN_")))
    return { code: GrpcCode.invalidArgument, message: error.message };
  if (isSkerryError(error)) return { code: GrpcCode.unavailable, message: error.message };
  return { code: GrpcCode.internal, message: "the call failed; the log of the process that serves it says why" };
}
