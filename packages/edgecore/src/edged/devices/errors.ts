import { describeError, isSkerryError, SkerryError } from "@skerry/base";
import { type CallStatus, type ClientErrors, GrpcCode } from "@skerry/grpc";

/** A container asks for devices that it cannot have now. */
export function devicesUnavailable(resource: string, why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_DEVICES_UNAVAILABLE",
    message: `${resource}: ${why}`,
    advice: "The container starts as soon as they are there; `kubectl describe node` says what the node has.",
    details: { resource },
  });
}

/** A device plugin says something of itself that cannot be. */
export function pluginRefused(why: string): SkerryError {
  return new SkerryError({
    code: "EDGED_DEVICE_PLUGIN_REFUSED",
    message: why,
    advice: "Correct the device plugin; it must speak v1beta1 and name an extended resource, as example.com/camera.",
  });
}

/** A device plugin does not answer, or not what it must. */
export function pluginFailed(socketPath: string, why: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "EDGED_DEVICE_PLUGIN_FAILED",
    message: `the device plugin at ${socketPath} ${why}`,
    advice: "It is asked again; the plugin's own log says more.",
    details: { socketPath },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A plugin's own words may be so long; they go into Events and statuses. */
const LONGEST_TEXT = 1024;

/** How the client of one plugin names its failures. */
export function pluginErrors(socketPath: string): ClientErrors {
  return {
    unavailable: (_address, cause) =>
      pluginFailed(socketPath, `cannot be reached: ${describeError(cause).slice(0, LONGEST_TEXT)}`, cause),
    timeout: (method, timeoutMs) => pluginFailed(socketPath, `did not answer ${method} within ${timeoutMs} ms`),
    failed: (method, _code, message) =>
      pluginFailed(socketPath, `refused ${method}: ${message.slice(0, LONGEST_TEXT)}`),
  };
}

/** What a plugin is told of a registration that failed. */
export function registrationStatus(error: unknown): CallStatus {
  const isItsFault = isSkerryError(error, "EDGED_DEVICE_PLUGIN_REFUSED");
  if (isItsFault) return { code: GrpcCode.invalidArgument, message: error.message };
  return { code: GrpcCode.unavailable, message: isSkerryError(error) ? error.message : "the registration failed" };
}
