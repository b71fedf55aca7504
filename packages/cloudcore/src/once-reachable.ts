import { type Clock, describeError, isSkerryError, type Logger, sleep } from "@skerry/base";
import { isApiError } from "@skerry/kube";

const RETRY_MS = 1_000;

/** Tries until the Kubernetes API answers; says so once, not every second. */
export async function onceReachable<T>(
  options: { readonly clock: Clock; readonly signal?: AbortSignal },
  logger: Logger,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isPassing = isUnreachable(error);
      if (!isPassing || options.signal?.aborted) throw error;
      if (attempt === 1) logger.warn("Waiting for the Kubernetes API", { error: describeError(error) });
      await sleep(options.clock, RETRY_MS, options.signal);
    }
  }
}

function isUnreachable(error: unknown): boolean {
  if (isApiError(error)) return error.httpStatus >= 500 || error.httpStatus === 429;
  return isSkerryError(error, "KUBE_UNREACHABLE");
}
