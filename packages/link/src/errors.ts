import { isSkerryError, SkerryError } from "@skerry/base";

/** A frame is larger than allowed. */
export function messageTooLarge(sizeBytes: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "LINK_MESSAGE_TOO_LARGE",
    message: `A message of ${sizeBytes} bytes came, at most ${limitBytes} are allowed`,
    advice: "Split the object, or move its data to a volume.",
    details: { sizeBytes, limitBytes },
  });
}

/** A frame nests deeper than allowed. */
export function messageTooDeep(limit: number): SkerryError {
  return new SkerryError({
    code: "LINK_MESSAGE_TOO_DEEP",
    message: `A message nests more than ${limit} levels deep`,
    advice: "This is no message of KubeEdge or Skerry; look at what sends it.",
    details: { limit },
  });
}

/** A frame is not a message. */
export function messageInvalid(reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "LINK_MESSAGE_INVALID",
    message: `A frame is no message: ${reason}`,
    advice: "This is no message of KubeEdge or Skerry; look at what sends it.",
    details: { reason },
    cause,
  });
}

/** The connection could not be made. */
export function dialFailed(url: string, reason: string, advice: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "LINK_DIAL_FAILED",
    message: `No connection to ${url}: ${reason}`,
    advice,
    details: { url, reason },
    cause,
  });
}

/** The cloud is there, but takes no more nodes just now. */
export function cloudBusy(url: string, retryAfterMs: number, reason: string): SkerryError {
  return new SkerryError({
    code: "LINK_CLOUD_BUSY",
    message: `${url} takes no more nodes just now${reason ? `: ${reason}` : ""}`,
    advice: `Nothing to do: the node tries again in about ${Math.ceil(retryAfterMs / 1000)} s, as the cloud asks.`,
    details: { url, retryAfterMs },
  });
}

/** How long {@link cloudBusy} asks to wait, in ms; undefined for any other error. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!isSkerryError(error, "LINK_CLOUD_BUSY")) return undefined;
  const { retryAfterMs } = error.details;
  return typeof retryAfterMs === "number" ? retryAfterMs : undefined;
}

/** The listener could not be opened. */
export function listenFailed(address: string, port: number, cause: unknown): SkerryError {
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new SkerryError({
    code: inUse ? "LINK_PORT_IN_USE" : "LINK_LISTEN_FAILED",
    message: `Cannot listen on ${address}:${port}${inUse ? ": the port is in use" : ""}`,
    advice: inUse
      ? `Stop what uses it (\`ss -ltnp sport = :${port}\` shows it), or set another port in the configuration.`
      : "Check the address and port in the configuration.",
    details: { address, port },
    cause,
  });
}
