import type { ServiceResponse } from "../rules/index.ts";

/** Calls HTTP services of this node. */
export interface LoopbackHttpClient {
  /**
   * One request to 127.0.0.1; redirects are not followed.
   * @throws SkerryError `SERVICEBUS_SERVICE_UNREACHABLE`, `SERVICEBUS_ANSWER_TOO_LARGE`
   */
  request(request: {
    readonly port: number;
    /** With the query. */
    readonly path: string;
    readonly method: string;
    readonly headers: Readonly<Record<string, readonly string[]>>;
    readonly body: Uint8Array;
    readonly timeoutMs: number;
    readonly maximumAnswerBytes: number;
    readonly signal: AbortSignal;
  }): Promise<ServiceResponse>;
}

/** Opens the entry for this node's applications: each request's body becomes a JSON text that is answered with. */
export interface LocalHttpServer {
  /** @throws SkerryError `SERVICEBUS_LISTEN_FAILED` */
  listen(
    handle: (body: Uint8Array) => Promise<string>,
    limits: { readonly maximumBodyBytes: number },
  ): Promise<AsyncDisposable>;
}
