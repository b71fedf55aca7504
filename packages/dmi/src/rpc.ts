import type { UnaryClient, UnaryMethod } from "@skerry/grpc";
import { dmiRequestInvalid } from "./errors.ts";
import type { MessageFns } from "./generated/dmi.ts";

/** The two messages of one method. */
export interface Rpc<Request, Response> {
  readonly request: MessageFns<Request>;
  readonly response: MessageFns<Response>;
}

/** Serves one method of a service. */
export function servedMethod<Request, Response>(
  { request, response }: Rpc<Request, Response>,
  handle: (request: Request) => Promise<Response>,
): UnaryMethod {
  return async (bytes) => response.encode(await handle(decode(request, bytes))).finish();
}

/** Calls one method of a service. */
export async function callMethod<Request, Response>(
  client: UnaryClient,
  path: string,
  { request, response }: Rpc<Request, Response>,
  content: Request,
  options: CallOptions,
): Promise<Response> {
  return decode(response, await client.call({ method: path, request: request.encode(content).finish(), ...options }));
}

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

function decode<Message>(type: MessageFns<Message>, bytes: Uint8Array): Message {
  try {
    return type.decode(bytes);
  } catch {
    throw dmiRequestInvalid("the message is not what the DMI's v1beta1 protocol says");
  }
}
