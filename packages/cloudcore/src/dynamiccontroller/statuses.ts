import type { Status } from "@skerry/api";
import { describeError, isJsonObject } from "@skerry/base";
import { ApiError, failureStatus } from "@skerry/kube";

// What a MetaServer's requests are refused with.

/** The message is none that could be understood. */
export function notAnApplication(): Status {
  return failureStatus(400, "BadRequest", "the MetaServer's request cannot be understood");
}

/** Too many requests of the node wait, or too many watches stand. */
export function tooMany(what: string): Status {
  return failureStatus(429, "TooManyRequests", what, { retryAfterSeconds: 1 });
}

/** CloudCore or the API server cannot do it now. */
export function unavailable(text: string): Status {
  return failureStatus(503, "ServiceUnavailable", text);
}

/** The node may not watch this. */
export function watchForbidden(nodeName: string, resource: string): Status {
  const text = `${resource} is forbidden: node "${nodeName}" may not watch them; grant it by RBAC to the user "system:node:${nodeName}" or the group "system:nodes"`;
  return failureStatus(403, "Forbidden", text, { kind: resource });
}

/** Some of what a watch would have brought is lost; the node is to begin anew. */
export function watchLost(): Status {
  return failureStatus(410, "Expired", "too much waits for this node; list and watch again");
}

/** The Status of an answer that is an error; one made of its text where it carries none. */
export function statusOfAnswer(httpStatus: number, text: string): Status {
  try {
    const body: unknown = JSON.parse(text);
    if (isJsonObject(body) && body["kind"] === "Status" && typeof body["message"] === "string")
      return { ...(body as unknown as Status), code: httpStatus };
  } catch {
    // Then the text itself is the message.
  }
  return failureStatus(httpStatus, httpStatus === 404 ? "NotFound" : "InternalError", text.trim().slice(0, 500));
}

/** What a request that threw is answered with. */
export function statusOfError(error: unknown): Status {
  if (error instanceof ApiError) return error.status;
  const isTooLarge = error instanceof Error && "code" in error && error.code === "KUBE_ANSWER_TOO_LARGE";
  if (isTooLarge)
    return failureStatus(413, "RequestEntityTooLarge", "the answer is too large for the link; ask for less at once");
  return unavailable(`the Kubernetes API does not answer CloudCore: ${describeError(error)}`);
}
