import { SkerryError } from "@skerry/base";
import { ApiError, failureStatus } from "./api-error.ts";

/** A request that cannot be understood, worded as the API server does (400 BadRequest). */
export function badRequest(message: string): ApiError {
  return new ApiError(failureStatus(400, "BadRequest", message));
}

/** A patch that cannot be applied to this object (422 Invalid), e.g. a failed JSON patch `test`. */
export function patchNotApplicable(message: string): ApiError {
  return new ApiError(failureStatus(422, "Invalid", message, {}));
}

/** A text is not a Kubernetes quantity. */
export function badQuantity(text: string): SkerryError {
  return new SkerryError({
    code: "KUBE_BAD_QUANTITY",
    message: `"${text.slice(0, 64)}" is not a quantity`,
    advice: "Write a number with a unit as Kubernetes knows them, e.g. 100m, 1.5, 64Mi or 2G.",
    details: { quantity: text.slice(0, 64) },
  });
}

/** A resourceVersion is not an unsigned integer. */
export function badResourceVersion(text: string): SkerryError {
  return new SkerryError({
    code: "KUBE_BAD_RESOURCE_VERSION",
    message: `The resourceVersion "${text.slice(0, 64)}" is not an unsigned integer`,
    advice: "Use resourceVersions exactly as an API server handed them out.",
    details: { resourceVersion: text.slice(0, 64) },
  });
}

/** The API server gave no answer: nobody knows whether a write was done. */
export function apiUnreachable(server: string, what: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "KUBE_UNREACHABLE",
    message: `The API server ${server} did not answer: ${what}`,
    advice: "Check that it runs and that the address in the kubeconfig is right; it is tried again.",
    details: { server },
    cause,
  });
}

/** The API server's certificate is not the one to be expected. */
export function apiServerNotTrusted(server: string, what: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "KUBE_SERVER_NOT_TRUSTED",
    message: `The certificate of the API server ${server} is not trusted: ${what}`,
    advice: "Check the certificate-authority in the kubeconfig and that the address is the server's own.",
    details: { server },
    cause,
  });
}

/** An answer is larger than what is read. */
export function answerTooLarge(server: string, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "KUBE_ANSWER_TOO_LARGE",
    message: `An answer of the API server ${server} is larger than ${limitBytes} bytes`,
    advice: "Ask for fewer objects at once (limit, selectors).",
    details: { server, limitBytes },
  });
}

/** A line of a watch is longer than what is read. */
export function watchLineTooLong(limitBytes: number): SkerryError {
  return new SkerryError({
    code: "KUBE_WATCH_LINE_TOO_LONG",
    message: `A line of a watch is longer than ${limitBytes} bytes`,
    advice: "Look for a very large object in the watched collection.",
    details: { limitBytes },
  });
}

/** An answer is not what the Kubernetes API promises. */
export function malformedAnswer(what: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "KUBE_MALFORMED_ANSWER",
    message: `The API server sent something that is not ${what}`,
    advice: "Check that the address in the kubeconfig is that of a Kubernetes API server.",
    cause,
  });
}

/** A kubeconfig cannot be read. */
export function kubeconfigUnreadable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "KUBE_KUBECONFIG_UNREADABLE",
    message: `The kubeconfig file ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "Check the path and the file's permissions.",
    details: { path },
    cause,
  });
}

/** A kubeconfig says something impossible. */
export function kubeconfigInvalid(source: string, finding: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "KUBE_KUBECONFIG_INVALID",
    message: `The kubeconfig ${source} is not usable: ${finding}`,
    advice: "Correct the file, or have it written anew by the tool that made it.",
    details: { source, finding },
    cause,
  });
}

/** The process does not run in a pod of a cluster. */
export function notInCluster(): SkerryError {
  return new SkerryError({
    code: "KUBE_NOT_IN_CLUSTER",
    message: "No kubeconfig is given and this process does not run in a pod of a cluster",
    advice: "Name a kubeconfig file in the configuration (kubeAPIConfig.kubeConfig).",
  });
}
