import { type Clock, describeError, isSkerryError, sleep } from "@skerry/base";
import { demoStepFailed } from "../errors.ts";

/** Far more than each step needs: the demo measures and tells times, but a slow machine does not fail it. */
const LIMIT_MS = 60_000;
const POLL_MS = 50;

/**
 * Waits until `check` gives a value. What it throws counts as "not yet". Throws SKERRY_DEMO_STEP_FAILED with the last
 * reason.
 */
export async function eventually<T>(clock: Clock, expected: string, check: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = clock.monotonicMs() + LIMIT_MS;
  let seen = "";
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      seen = isSkerryError(error) ? error.message : describeError(error);
    }
    if (clock.monotonicMs() >= deadlineMs) throw demoStepFailed(expected, LIMIT_MS, seen);
    await sleep(clock, POLL_MS);
  }
}
