import { describeError, SkerryError } from "@skerry/base";

/** What a caller asked for is not there. */
export function notFound(what: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_NOT_FOUND",
    message: `${what} is not there`,
    advice: "It may have been removed meanwhile; look at what is listed now.",
  });
}

/** What a caller asked for does not fit what is there. */
export function refusedState(message: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_REFUSED",
    message,
    advice: "Ask again when it is in the state that the message names.",
  });
}

/** The process runtime cannot do this; containerd can. */
export function needsEngine(what: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_CANNOT",
    message: `${what}: the process runtime cannot do it`,
    advice: "Leave it out of the pod, or run the node with containerd (`skerry up --runtime containerd`, as root).",
  });
}

/** Another pod or program holds a port that a pod wants. */
export function portInUse(port: number, holder: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_PORT_IN_USE",
    message: `PortInUse: port ${port} of this machine is taken by ${holder}`,
    advice: "Run one replica of it on this node, or give the pod another port.",
    details: { port },
  });
}

/** A container's process could not be brought up. */
export function startFailed(reason: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_START_FAILED",
    message: reason,
    advice: "Correct the pod's command, image or volumes as the message says.",
  });
}

/** An image, archive or registry answer is not what it should be. */
export function imageInvalid(image: string, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_IMAGE_INVALID",
    message: `The image ${image} cannot be used: ${reason}${cause === undefined ? "" : `: ${describeError(cause)}`}`,
    advice: "Build or copy the image again; for this machine's architecture, as an OCI or docker image.",
    details: { image },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** An image could not be brought from its registry. */
export function pullFailed(image: string, reason: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_PULL_FAILED",
    message: `failed to pull ${image}: ${reason}${cause === undefined ? "" : `: ${describeError(cause)}`}`,
    advice: "Check the image's name, the network and the pull secret; it is tried again.",
    details: { image },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** This machine gives an account without root no namespaces. */
export function namespacesRefused(reason: string): SkerryError {
  return new SkerryError({
    code: "PROCESS_RUNTIME_NO_NAMESPACES",
    message: `This machine lets this account make no namespaces for containers: ${reason}`,
    advice:
      "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces, an AppArmor profile), or run as root with containerd.",
  });
}
