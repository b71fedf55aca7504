import { SkerryError } from "@skerry/base";

/** What came over the tunnel is no frame. */
export function frameInvalid(reason: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_FRAME_INVALID",
    message: `A frame of the stream tunnel cannot be read: ${reason}`,
    advice: "This is no tunnel of KubeEdge or Skerry; look at what sends it.",
    details: { reason },
  });
}

/** A request for a stream says nothing that can be served. */
export function connectRequestInvalid(reason: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_REQUEST_INVALID",
    message: `A request for a stream cannot be read: ${reason}`,
    advice: "This is no tunnel of KubeEdge or Skerry; look at what sends it.",
    details: { reason },
  });
}

/** What should be the head of an HTTP message is none. */
export function httpHeadInvalid(reason: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_HTTP_HEAD_INVALID",
    message: `The answer does not begin as HTTP does: ${reason}`,
    advice: "Look at the log of the component that answered.",
    details: { reason },
  });
}

/** As many streams as allowed are open on one tunnel. */
export function tooManyStreams(limit: number): SkerryError {
  return new SkerryError({
    code: "STREAMS_TOO_MANY",
    message: `${limit} such streams are open to this node, as many as are allowed`,
    advice: "End some kubectl logs -f, exec or port-forward of this node.",
    details: { limit },
  });
}

/** A request that is answered with an HTTP status and the message as text, as the kubelet does. */
export function refused(httpStatus: number, message: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_REFUSED",
    message,
    advice: "Correct the request as the message says.",
    details: { httpStatus },
  });
}

/** The stream was ended before all was written or read. */
export function streamClosed(reason: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_CLOSED",
    message: `The stream is over: ${reason}`,
    advice: "Run the command again; if the node is offline, when it is back.",
    details: { reason },
  });
}

/** A peer sent more than it was allowed to. */
export function windowExceeded(limitBytes: number): SkerryError {
  return new SkerryError({
    code: "STREAMS_WINDOW_EXCEEDED",
    message: `The other side sent more than the ${limitBytes} bytes that may be waiting here`,
    advice: "With a KubeEdge edge a slow reader can cause this: read faster, or ask for less (--tail, --since).",
    details: { limitBytes },
  });
}

/** The tunnel could not be opened. */
export function tunnelDialFailed(url: string, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "STREAMS_DIAL_FAILED",
    message: `No stream tunnel to ${url}: ${reason}`,
    advice: "Check the network and that CloudCore's stream port is open; the edge keeps trying.",
    details: { url, reason },
    cause,
  });
}

/** The tunnel's port could not be opened. */
export function tunnelListenFailed(address: string, port: number, cause: unknown): SkerryError {
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new SkerryError({
    code: inUse ? "STREAMS_PORT_IN_USE" : "STREAMS_LISTEN_FAILED",
    message: `Cannot listen on ${address}:${port}${inUse ? ": the port is in use" : ""}`,
    advice: inUse
      ? `Stop what uses it (\`ss -ltnp sport = :${port}\` shows it), or set another port in modules.cloudStream.`
      : "Check modules.cloudStream in the configuration.",
    details: { address, port },
    cause,
  });
}

/** Nothing listens on a port of a pod, or the runtime cannot lead there. */
export function portNotReached(port: number, reason: string): SkerryError {
  return new SkerryError({
    code: "STREAMS_PORT_NOT_REACHED",
    message: `Port ${port} of the pod could not be reached: ${reason}`,
    advice: "Check that a container of the pod listens on that port.",
    details: { port, reason },
  });
}
