import { SkerryError } from "@skerry/base";

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
