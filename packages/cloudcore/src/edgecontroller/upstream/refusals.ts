import { ApiError, failureStatus } from "@skerry/kube";

/** The node asks for something that it may not have. */
export function forbidden(nodeName: string, what: string): ApiError {
  return new ApiError(failureStatus(403, "Forbidden", `node "${nodeName}" ${what}`));
}

/** The request's content is not what its resource and operation call for. */
export function badRequest(what: string): ApiError {
  return new ApiError(failureStatus(400, "BadRequest", what));
}

/** CloudCore has no handler for the request. */
export function unsupported(operation: string, type: string): ApiError {
  return new ApiError(
    failureStatus(405, "MethodNotAllowed", `CloudCore does not support operation "${operation}" on "${type}"`),
  );
}
