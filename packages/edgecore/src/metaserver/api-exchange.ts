import type { Status } from "@skerry/api";
import { failureStatus } from "@skerry/kube";

/** One HTTP request of an application of this node. */
export interface ApiRequest {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** Whether the caller has proven who it is by the token; false where none is needed. */
  readonly hasToken: boolean;
}

/** Its answer: a whole text, or lines as they come. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string>;
}

const JSON_TYPE = "application/json";

export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return textResponse(status, typeof body === "string" ? body : JSON.stringify(body), JSON_TYPE, headers);
}

export function textResponse(
  status: number,
  body: string,
  type = "text/plain",
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return { status, headers: { "content-type": type, ...headers }, body };
}

export function statusResponse(status: Status): ApiResponse {
  const seconds = status.details?.retryAfterSeconds;
  return jsonResponse(status.code, status, seconds === undefined ? {} : { "retry-after": String(seconds) });
}

/** The header by which kubectl and client libraries show a text to whoever asked (RFC 9111's warn-code 299). */
export function warning(text: string): Readonly<Record<string, string>> {
  return { warning: `299 - ${JSON.stringify(text)}` };
}

// What requests are refused with.

export function offlineStatus(what: string, reason: string): Status {
  const text = `${what} needs the cloud, which cannot be reached from this node: ${reason}`;
  // Without a Retry-After, with which kubectl would wait for minutes and not say why.
  return failureStatus(503, "ServiceUnavailable", text);
}

export function unknownStatus(path: string): Status {
  return failureStatus(404, "NotFound", `the node's MetaServer serves nothing at ${path.slice(0, 200)}`);
}

export function notAllowedStatus(what: string): Status {
  return failureStatus(405, "MethodNotAllowed", `the node's MetaServer does not serve ${what}; ask the cloud for it`);
}

export function badRequestStatus(text: string): Status {
  return failureStatus(400, "BadRequest", text);
}

export function unsupportedTypeStatus(type: string): Status {
  const text = `the node's MetaServer reads JSON, not ${type.slice(0, 80)}; with kubectl use create -f, apply or patch`;
  return failureStatus(415, "UnsupportedMediaType", text);
}

export function busyStatus(text: string): Status {
  return failureStatus(429, "TooManyRequests", text, { retryAfterSeconds: 1 });
}

export function tooMuchStatus(what: string): Status {
  const text = `there are more ${what} than this node keeps; watch fewer of them, by a namespace or a selector`;
  return failureStatus(413, "RequestEntityTooLarge", text);
}

export function expiredStatus(): Status {
  return failureStatus(410, "Expired", "the resourceVersion is too old for this node; list again");
}
