import { SkerryError } from "@skerry/base";

/** A request that is answered with an HTTP status and the message as text, as the kubelet does. */
export function refused(httpStatus: number, message: string): SkerryError {
  return new SkerryError({
    code: "EDGESTREAM_REFUSED",
    message,
    advice: "Correct the request as the message says.",
    details: { httpStatus },
  });
}

/** The container runtime's streaming server does not answer. */
export function runtimeUnreachable(host: string, port: number, cause: unknown): SkerryError {
  return new SkerryError({
    code: "EDGESTREAM_RUNTIME_UNREACHABLE",
    message: `the container runtime's streaming server at ${host}:${port} cannot be reached`,
    advice: "Check that containerd runs on the node.",
    details: { host, port, httpStatus: 502 },
    cause,
  });
}
