import { type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { describeError, isSkerryError } from "@skerry/base";
import { ApiError, failureStatus } from "@skerry/kube";
import type { PodHttpAnswer, PodHttpRequest } from "../apiserver/pod-proxy.ts";

/**
 * Makes an HTTP request to a pod over a connection to its port, which it ends afterwards.
 * @throws ApiError ServiceUnavailable when no answer comes
 */
export function requestOver(
  connection: Duplex,
  { pod, port, isTls, method, target, headers, body }: PodHttpRequest,
  signal: AbortSignal,
): Promise<PodHttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      method,
      path: target,
      headers: { ...headers, host: `${pod}:${port}`, ...(body.length > 0 ? { "content-length": body.length } : {}) },
      // No agent: it would make a connection of its own. The pod's certificate is nobody's we know; the way to its node is
      // verified.
      createConnection: () => (isTls ? connect({ socket: connection, rejectUnauthorized: false }) : connection),
      signal,
    });
    outgoing.on("error", (error) => {
      connection.destroy();
      reject(notReached(error));
    });
    outgoing.on("response", (response) => resolve({ ...headOf(response), body: response }));
    outgoing.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(notReached(new Error("the pod answered with an upgrade that nobody asked for")));
    });
    outgoing.on("close", () => connection.destroy());
    outgoing.end(body);
  });
}

function headOf(response: IncomingMessage): Pick<PodHttpAnswer, "status" | "headers"> {
  const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
  return { status: response.statusCode ?? 502, headers: Object.fromEntries(headers) };
}

/** As a kube-apiserver says it. */
function notReached(error: Error): ApiError {
  const reason = isSkerryError(error, "STREAMS_PORT_NOT_REACHED")
    ? String(error.details["reason"]).trim()
    : describeError(error);
  return new ApiError(failureStatus(503, "ServiceUnavailable", `error trying to reach service: ${reason}`, {}));
}
