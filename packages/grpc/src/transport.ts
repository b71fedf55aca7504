/** One unary call. */
export interface UnaryCall {
  /** `/package.Service/Method` */
  readonly method: string;
  readonly request: Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Sent as headers; names in lower case. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** One server's methods as its clients call them; connects when it is first used and again after a loss. */
export interface UnaryClient extends AsyncDisposable {
  /** @throws the client's own errors for: not reachable, too slow, refused */
  call(call: UnaryCall): Promise<Uint8Array>;
}

/** How a client names its failures: who is on the other side is its user's business. */
export interface ClientErrors {
  unavailable(address: string, cause: unknown): Error;
  timeout(method: string, timeoutMs: number): Error;
  failed(method: string, grpcCode: number, message: string): Error;
}

/** One call that a server answers with any number of messages. */
export interface ServerStreamCall {
  readonly socketPath: string;
  /** `/package.Service/Method` */
  readonly method: string;
  readonly request: Uint8Array;
  readonly errors: Pick<ClientErrors, "unavailable" | "failed">;
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** What it throws ends the call. */
  readonly onMessage: (message: Uint8Array) => void;
  /** A larger message ends the call. @default 4 MiB, as in grpc-go */
  readonly maximumMessageBytes?: number;
}

/**
 * Makes a call that lasts: resolves when the server has ended it in order.
 * @throws the call's own errors for: not reachable, refused; the signal's reason
 */
export type ServerStreaming = (call: ServerStreamCall) => Promise<void>;

/** Answers one method. What it throws is told to the client: see {@link UnaryServerOptions.statusOf}. */
export type UnaryMethod = (request: Uint8Array) => Promise<Uint8Array>;

/** How a failed call ends for the client. */
export interface CallStatus {
  /** A value of `GrpcCode`. */
  readonly code: number;
  readonly message: string;
}

/** What a server answers, and within which limits. */
export interface UnaryServerOptions {
  readonly socketPath: string;
  /** By `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, UnaryMethod>;
  /** The status of a call whose method threw. */
  readonly statusOf: (error: unknown) => CallStatus;
  /** Larger requests are refused with RESOURCE_EXHAUSTED. @default 4 MiB, as in grpc-go */
  readonly maximumRequestBytes?: number;
  /**
   * Bytes of requests that are not complete yet, of all clients together; beyond it the request that grows is refused.
   * @default 32 MiB
   */
  readonly maximumPendingBytes?: number;
  /** A request that is not complete by then is refused. @default 30_000 */
  readonly requestTimeoutMs?: number;
  /** Further connections are closed at once. @default 64 */
  readonly maximumConnections?: number;
  /**
   * Calls of one connection that run at the same time; further ones wait. Not below 100, which clients take for granted
   * until they have heard of it. @default 128
   */
  readonly maximumConcurrentCalls?: number;
}

/** Both sides of gRPC on unix sockets, as the logic sees it. */
export interface GrpcTransport {
  /**
   * Serves until it is disposed; only this process's user may connect. A socket that nobody serves is replaced.
   * @throws `GRPC_SOCKET_IN_USE`, `GRPC_SOCKET_FAILED`
   */
  serve(options: UnaryServerOptions): Promise<AsyncDisposable>;
  client(socketPath: string, errors: ClientErrors): UnaryClient;
  /** Whether a process listens on the socket now; never rejects. */
  isServed(socketPath: string): Promise<boolean>;
}
