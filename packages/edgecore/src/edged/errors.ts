import { describeError, isSkerryError, SkerryError } from "@skerry/base";
import { GrpcCode } from "@skerry/grpc";

/** What an error says to the user who reads an Event or a status: without codes and inner causes. */
export function plainMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The container runtime cannot be reached. */
export function runtimeUnavailable(socketPath: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "RUNTIME_UNAVAILABLE",
    message: `The container runtime at ${socketPath} does not answer: ${describeError(cause)}`,
    advice: "Check that containerd runs and that the endpoint in the configuration is its socket.",
    details: { socketPath },
    cause,
  });
}

/** The container runtime did not finish in time. */
export function runtimeTimeout(method: string, timeoutMs: number): SkerryError {
  return new SkerryError({
    code: "RUNTIME_TIMEOUT",
    message: `The container runtime did not finish ${method} within ${timeoutMs} ms`,
    advice: "It is tried again; if it stays, look at the runtime's log and the machine's load.",
    details: { method, timeoutMs },
  });
}

/** The container runtime refused or failed a call. */
export function runtimeCallFailed(method: string, grpcCode: number, message: string): SkerryError {
  return new SkerryError({
    code: "RUNTIME_CALL_FAILED",
    message,
    advice: "The message is the container runtime's own; its log says more.",
    details: { method, grpcCode },
  });
}

/** Whether the container runtime does not know the call: an older version, or another kind. */
export function isUnknownToRuntime(error: unknown): boolean {
  return isSkerryError(error, "RUNTIME_CALL_FAILED") && error.details["grpcCode"] === GrpcCode.unimplemented;
}

/** A pod asks for something this node cannot do yet; it is said, never left out silently. */
export function notSupported(field: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_NOT_SUPPORTED",
    message: `${field} is not supported on this edge node yet: ${why}`,
    advice: "Remove the field from the pod, or run the pod on another node.",
    details: { field },
  });
}

/** The pod's manifest says something that cannot be carried out. */
export function invalidPod(field: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_INVALID_POD",
    message: `${field}: ${why}`,
    advice: "Correct the field in the pod's manifest.",
    details: { field },
  });
}

/** A ConfigMap, Secret or key that a pod needs is not there. */
export function referenceMissing(message: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "EDGED_REFERENCE_MISSING",
    message,
    advice: "Create it, or mark the reference as optional; the pod starts as soon as it is there.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A pod needs a token that is not on this node, and the cloud is away. */
export function tokenUnavailable(serviceAccount: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "EDGED_TOKEN_UNAVAILABLE",
    message: `There is no usable token of the service account "${serviceAccount}" on this node, and the cloud, which makes tokens, cannot be asked now`,
    advice: "Nothing to do on the node: the pod starts as soon as the node is connected.",
    details: { serviceAccount },
    cause,
  });
}

/** A claim cannot be used now. */
export function claimUnusable(claim: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_CLAIM_UNUSABLE",
    message: `persistentvolumeclaim "${claim}": ${why}`,
    advice: "The pod starts as soon as the claim is bound; `kubectl describe pvc` says what it waits for.",
    details: { claim },
  });
}

/** A path from the outside leads out of where it may lead. */
export function pathEscapes(path: string, root: string): SkerryError {
  return new SkerryError({
    code: "EDGED_PATH_ESCAPES",
    message: `The path ${path} leads out of ${root}`,
    advice: "Use a path inside the volume, without '..' and without symlinks that lead out of it.",
    details: { path, root },
  });
}

/** An image cannot be had. `reason` is the kubelet's word for it. */
export function imageUnavailable(
  reason: "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName",
  message: string,
  cause?: unknown,
): SkerryError {
  return new SkerryError({
    code: "EDGED_IMAGE_UNAVAILABLE",
    message,
    advice: "Check the image's name and the registry, or load the image onto the node (skerry image load FILE).",
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** An ephemeral container is to see the processes of a container that has none. */
export function targetNotRunning(container: string, target: string): SkerryError {
  return new SkerryError({
    code: "EDGED_TARGET_NOT_RUNNING",
    message: `container ${container} is to see the processes of container ${target}, which is not running`,
    advice: `It is tried again; \`kubectl describe pod\` says why ${target} does not run.`,
    details: { container, target },
  });
}

/** A container's server did not say how it is. */
export function healthCheckFailed(message: string): SkerryError {
  return new SkerryError({
    code: "EDGED_HEALTH_CHECK_FAILED",
    message,
    advice: "Check the probe's port, and that the container serves the gRPC health protocol on it without TLS.",
  });
}

/** A container could not be sent its own stop signal. */
export function signalFailed(signal: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_SIGNAL_FAILED",
    message: `${signal} could not be sent to the container: ${why}`,
    advice: "Use a signal that this machine knows, or leave lifecycle.stopSignal out.",
    details: { signal },
  });
}

/** Pods with user namespaces have all users of the machine that there are for pods. */
export function userRangesExhausted(pods: number): SkerryError {
  return new SkerryError({
    code: "EDGED_USERS_EXHAUSTED",
    message: `The ${pods} pods with user namespaces that this node has users for are here already`,
    advice: "It is tried again; delete another pod with hostUsers: false, or raise maxPods.",
    details: { pods },
  });
}

/** What the machine gives pods with user namespaces cannot be used. */
export function usersUnusable(owner: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_USERS_UNUSABLE",
    message: `The users that /etc/subuid and /etc/subgid give to ${owner} cannot be given to pods: ${why}`,
    advice: `Correct the lines of ${owner} in both files, or remove them.`,
    details: { owner },
  });
}

/** A file of the folder of static pods is not a pod. */
export function invalidManifest(file: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_INVALID_MANIFEST",
    message: `${file}: ${why}`,
    advice: "Correct the file, or move it out of the folder; a pod that ran from it goes on until then.",
    details: { file },
  });
}

/** A file of the folder of static pods is too large to be one. */
export function manifestTooLarge(file: string, limitBytes: number): SkerryError {
  return invalidManifest(file, `it has more than ${limitBytes} bytes`);
}

/** A command of the machine failed. */
export function commandFailed(command: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "EDGED_COMMAND_FAILED",
    message: `${command} failed: ${describeError(cause)}`,
    advice: "Check that Edged may do this on this machine (root, mount rights).",
    details: { command },
    cause,
  });
}
