import { abortReason } from "./abort.ts";

/** A timer that has been set and can still be cancelled. */
export interface Timer {
  /** Cancels the timer; no effect once it has fired. */
  cancel(): void;
}

/** Time as the logic sees it; real in `platform/`, virtual in the simulation. */
export interface Clock {
  /** Wall clock in milliseconds since the Unix epoch. It may jump: never order events by it. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** Resolves after `delayMs`; rejects with the signal's reason when aborted before. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      if (signal) reject(abortReason(signal));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Settles as `work` does, or rejects with `timeoutError()` when `timeoutMs` pass first. */
export function withTimeout<T>(
  clock: Clock,
  timeoutMs: number,
  work: Promise<T>,
  timeoutError: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => reject(timeoutError()));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

/** RFC 3339 text of a wall-clock time with second precision, as Kubernetes' metav1.Time writes it. */
export function toKubernetesTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 text with microseconds, as Kubernetes' metav1.MicroTime writes it. */
export function toKubernetesMicroTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}
