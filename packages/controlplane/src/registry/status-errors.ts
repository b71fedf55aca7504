import type { ResourceReference, StatusDetails } from "@skerry/api";
import { ApiError, failureStatus } from "@skerry/kube";
import type { FieldError } from "./field-error.ts";

/** How an error names a resource: `pods`, `deployments.apps`. */
export function qualifiedResource(resource: ResourceReference): string {
  return resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
}

/** How an error names a kind: `Pod`, `Deployment.apps`. */
export function qualifiedKind(resource: ResourceReference): string {
  return resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
}

function detailsOf(resource: ResourceReference, name: string): StatusDetails {
  return { name, ...(resource.group === "" ? {} : { group: resource.group }), kind: resource.resource };
}

/** 404: there is no such object. */
export function notFound(resource: ResourceReference, name: string): ApiError {
  const message = `${qualifiedResource(resource)} "${name}" not found`;
  return new ApiError(failureStatus(404, "NotFound", message, detailsOf(resource, name)));
}

/** 404: the server has no such resource or path. */
export function resourceNotFound(): ApiError {
  return new ApiError(failureStatus(404, "NotFound", "the server could not find the requested resource", {}));
}

/** 501: this API server was started without a way to CloudCore, and so into the pods of edge nodes. */
export function streamNotServed(subresource: string): ApiError {
  const message = `Skerry does not serve pods/${subresource} here: the control plane was started without --kubelet-endpoint HOST:PORT of a CloudCore; on the node itself, a container's output is in the pod-logs folder of EdgeCore's rootDirectory`;
  return new ApiError(failureStatus(501, "NotImplemented", message, {}));
}

/** 409: the name is taken. */
export function alreadyExists(resource: ResourceReference, name: string): ApiError {
  const message = `${qualifiedResource(resource)} "${name}" already exists`;
  return new ApiError(failureStatus(409, "AlreadyExists", message, detailsOf(resource, name)));
}

/** 409: the object has moved on, or a precondition does not hold. */
export function conflict(resource: ResourceReference, name: string, reason: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${reason}`;
  return new ApiError(failureStatus(409, "Conflict", message, detailsOf(resource, name)));
}

/** 409 as an update with an old resourceVersion gets it. */
export function modified(resource: ResourceReference, name: string): ApiError {
  return conflict(
    resource,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

/** So many wrong members are named at most: one that is sent with 50,000 of them gets no answer of 50 MB. */
const CAUSES_LIMIT = 500;

/** 422: members of the object are wrong. */
export function invalid(resource: ResourceReference, name: string, all: readonly FieldError[]): ApiError {
  const errors = all.slice(0, CAUSES_LIMIT);
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const message = `${qualifiedKind(resource)} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`}`;
  return new ApiError(
    failureStatus(422, "Invalid", message, {
      ...(name === "" ? {} : { name }),
      ...(resource.group === "" ? {} : { group: resource.group }),
      ...(resource.kind === "" ? {} : { kind: resource.kind }),
      causes: errors.map(({ reason, message: text, field }) => ({ reason, message: text, field })),
    }),
  );
}

/** 403 with a reason of an admission rule. */
export function forbidden(resource: ResourceReference, name: string, reason: string): ApiError {
  const subject = name === "" ? qualifiedResource(resource) : `${qualifiedResource(resource)} "${name}"`;
  const message = `${subject} is forbidden: ${reason}`;
  const { name: _name, ...details } = detailsOf(resource, name);
  return new ApiError(failureStatus(403, "Forbidden", message, name === "" ? details : detailsOf(resource, name)));
}

/** 401: who calls is not known. */
export function unauthorized(): ApiError {
  return new ApiError(failureStatus(401, "Unauthorized", "Unauthorized"));
}

/** 410: the change log no longer reaches back that far. */
export function expired(asked: number, oldest: number): ApiError {
  return new ApiError(failureStatus(410, "Expired", `too old resource version: ${asked} (${oldest})`));
}

/** 410 for a page of a list whose revision is no longer known. */
export function continueExpired(): ApiError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.";
  return new ApiError(failureStatus(410, "Expired", message));
}

/** 504: the caller knows a newer revision than there is. */
export function revisionTooLarge(asked: number, current: number): ApiError {
  return new ApiError(
    failureStatus(504, "Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    }),
  );
}

/** 405: the resource cannot do that. */
export function methodNotSupported(resource: ResourceReference, verb: string): ApiError {
  return new ApiError(
    failureStatus(
      405,
      "MethodNotAllowed",
      `${verb} is not supported on resources of kind "${qualifiedResource(resource)}"`,
      {
        ...(resource.group === "" ? {} : { group: resource.group }),
        kind: resource.resource,
      },
    ),
  );
}

/** 415: the body is in a form that is not understood here. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new ApiError(failureStatus(415, "UnsupportedMediaType", message));
}

/** 429: a limit is met; the caller may come back. */
export function tooManyRequests(message: string): ApiError {
  return new ApiError(failureStatus(429, "TooManyRequests", message, { retryAfterSeconds: 1 }));
}

/** 413: the body is larger than the server reads. */
export function requestTooLarge(limitBytes: number): ApiError {
  return new ApiError(failureStatus(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`));
}

/** 500, as in Kubernetes: what is new has no version yet. */
export function versionOnCreate(): ApiError {
  const message = "resourceVersion should not be set on objects to be created";
  const { reason: _none, ...status } = failureStatus(500, "", message);
  return new ApiError(status);
}

/** 500: the server cannot do what is asked. */
export function internalError(message: string): ApiError {
  return new ApiError(failureStatus(500, "InternalError", message));
}
