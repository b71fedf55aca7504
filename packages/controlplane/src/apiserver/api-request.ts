import type { UserInfo } from "../registry/request-context.ts";

/** One HTTP request, free of the machine it came in on. */
export interface ApiRequest {
  readonly method: string;
  /** Path without the query, percent-encoding undone by whoever splits it. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** Who the verified client certificate names. */
  readonly certificateUser?: UserInfo;
  /** Network address of the client. */
  readonly sourceAddress?: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** One HTTP answer: a whole text, or parts that come one by one (a watch, a log). */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string | Uint8Array>;
  /** Whether the client may stop reading for as long as it likes; others are cut off. */
  readonly mayStall?: boolean;
}

/** An answer of one JSON value. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  };
}

/** An answer of plain text. */
export function textResponse(status: number, text: string): ApiResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: text };
}
