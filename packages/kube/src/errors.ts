import { SkerryError } from "@skerry/base";
import { ApiError, failureStatus } from "./api-error.ts";

/** A request that cannot be understood, worded as the API server does (400 BadRequest). */
export function badRequest(message: string): ApiError {
  return new ApiError(failureStatus(400, "BadRequest", message));
}

/** A patch that cannot be applied to this object (422 Invalid), e.g. a failed JSON patch `test`. */
export function patchNotApplicable(message: string): ApiError {
  return new ApiError(failureStatus(422, "Invalid", message));
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
