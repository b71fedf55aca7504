import type { Clock } from "../clock.ts";

/** The longest delay that Node's timers hold (2^31 - 1 ms); longer ones would fire at once. */
const LONGEST_DELAY_MS = 2_147_483_647;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs() {
    // Not `performance`: its first use loads some modules of Node.js, 0.7 MB of an edge node's memory.
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1_000_000;
  },
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS));
    return { cancel: () => clearTimeout(handle) };
  },
};
