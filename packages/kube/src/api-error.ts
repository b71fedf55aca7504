import type { Status, StatusDetails } from "@skerry/api";
import { SkerryError } from "@skerry/base";

/** The API server refused: carries its Status. `code` is `KUBE_` + the reason in upper snake case. */
export class ApiError extends SkerryError {
  readonly status: Status;

  constructor(status: Status) {
    super({
      code: `KUBE_${(status.reason ?? "Unknown").replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase()}`,
      message: status.message ?? `The API server answered ${status.code}`,
      advice: adviceFor(status.code),
      details: { httpStatus: status.code, reason: status.reason ?? "Unknown" },
    });
    this.name = "ApiError";
    this.status = status;
  }

  /** HTTP status code of the answer. */
  get httpStatus(): number {
    return this.status.code;
  }
}

/** Whether `error` is an {@link ApiError} with the given reason, e.g. `NotFound`, `Conflict`, `AlreadyExists`. */
export function isApiError(error: unknown, reason?: string): error is ApiError {
  return error instanceof ApiError && (reason === undefined || error.status.reason === reason);
}

/** A failure Status as the API server writes it. */
export function failureStatus(code: number, reason: string, message: string, details?: StatusDetails): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  };
}

function adviceFor(code: number): string {
  switch (code) {
    case 401:
    case 403:
      return "Check the credentials in the kubeconfig and what they are allowed to do.";
    case 404:
      return "Check the name, the namespace and that the kind is installed.";
    case 409:
      return "Read the object again and repeat the change on its newest version.";
    case 410:
      return "List again and watch from the version of that list.";
    case 422:
      return "Correct the named fields.";
    case 429:
      return "The server is busy; try again after a moment.";
    default:
      return code >= 500
        ? "Try again; if it stays, look at the API server's log."
        : "Correct the request as the message says.";
  }
}
