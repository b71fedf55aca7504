/** A request that came in over HTTP. */
export interface RestRequest {
  readonly method: string;
  /** As on the wire, percent-encoded, without the query. */
  readonly path: string;
  /** With its `?`; or empty. */
  readonly query: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
}

/** What it is answered with. */
export interface RestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
}

/** Sends requests to rules' targets in the cloud. */
export interface HttpPoster {
  /**
   * One POST; redirects are not followed.
   * @throws SkerryError `ROUTER_TARGET_UNREACHABLE`, `ROUTER_ANSWER_TOO_LARGE`
   */
  post(request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly timeoutMs: number;
    readonly maximumAnswerBytes: number;
    readonly signal: AbortSignal;
  }): Promise<{ readonly status: number; readonly body: string }>;
}

/** A short answer in words. */
export function textResponse(status: number, text: string): RestResponse {
  return {
    status,
    headers: { "content-type": ["text/plain; charset=utf-8"] },
    body: new TextEncoder().encode(`${text}\n`),
  };
}
