import type { UnaryMethod } from "@skerry/grpc";
import type * as cri from "../../edged/platform/generated/cri.ts";

/** A unary method of CRI, over the bytes of its messages. */
export function serve<Request, Response>(
  request: cri.MessageFns<Request>,
  response: cri.MessageFns<Response>,
  handle: (request: Request) => Promise<Response>,
): UnaryMethod {
  return async (bytes) => response.encode(await handle(request.decode(bytes))).finish();
}

/** Entries of a table of methods. */
export type Methods = [path: string, method: UnaryMethod][];
