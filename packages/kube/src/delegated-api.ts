/** An HTTP request to the API server that runs with somebody else's rights. */
export interface DelegatedRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the body. @default "application/json" */
  readonly contentType?: string;
}

/** Whose rights count. */
export interface DelegatedUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/**
 * Sends requests to the API server in another user's name (impersonation), so that the API server itself judges what
 * they may do; nothing of its answers is changed.
 */
export interface DelegatedApi {
  /** @throws SkerryError `KUBE_UNREACHABLE`; an answer with an error is no exception */
  send(
    user: DelegatedUser,
    request: DelegatedRequest,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }>;
}
