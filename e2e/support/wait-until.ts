import { setTimeout as delay } from "node:timers/promises";

/** So generous that a slow machine does not decide a test. */
const LIMIT_MS = 120_000;

/**
 * Waits until `check` gives something other than undefined or false; what it throws counts as "not yet". Rejects with
 * what was expected and the last reason.
 */
export async function waitUntil<T>(expected: string, check: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  let reason = "";
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS / 1000} s: ${expected} ${reason}`);
    await delay(100);
  }
}
