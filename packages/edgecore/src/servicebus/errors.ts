import { SkerryError } from "@skerry/base";

/** A service of this node that the cloud calls does not answer. */
export function serviceUnreachable(port: number, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "SERVICEBUS_SERVICE_UNREACHABLE",
    message: `The service at 127.0.0.1:${port} does not answer: ${reason}`,
    advice: "Check that it runs on this node and that the RuleEndpoint's service_port is its port.",
    details: { port },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A service of this node answered with more than goes over the link. */
export function answerTooLarge(port: number, limitBytes: number): SkerryError {
  return new SkerryError({
    code: "SERVICEBUS_ANSWER_TOO_LARGE",
    message: `The answer of the service at 127.0.0.1:${port} has more than ${limitBytes} bytes`,
    advice: "Let the service answer with less.",
    details: { port, limitBytes },
  });
}

/** The entry for this node's applications could not be opened. */
export function listenFailed(address: string, port: number, reason: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "SERVICEBUS_LISTEN_FAILED",
    message: `ServiceBus cannot listen on ${address}:${port}: ${reason}`,
    advice: "Correct modules.serviceBus in edgecore.yaml, or stop what uses the port.",
    details: { address, port },
    cause,
  });
}
