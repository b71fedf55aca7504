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

/** Settles as `work` does, or rejects with the signal's reason when it is aborted first; the work itself goes on. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Throws the abort reason when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}
