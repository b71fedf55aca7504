import { SkerryError } from "./errors.ts";

/** The error an aborted signal carries; always an Error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : aborted();
}

/** The operation was given up because its owner stopped. */
export function aborted(): SkerryError {
  return new SkerryError({
    code: "ABORTED",
    message: "The operation was stopped before it finished",
    advice: "Nothing to do: its owner was shutting down.",
  });
}

/** Throws the abort reason when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}
