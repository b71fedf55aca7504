import type { Clock } from "@skerry/base";

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 5 * 60_000;
/** A container that ran this long starts over with the first delay. */
const FORGIVEN_AFTER_MS = 2 * LONGEST_DELAY_MS;

interface Entry {
  delayMs: number;
  updatedAtMs: number;
  /** The end that was last waited for, and when it was first asked about; the latter is monotonic. */
  waited: { readonly endedAtMs: number; readonly sinceMs: number } | undefined;
}

/**
 * The kubelet's restart delays: the first restart at once, then 10 s, 20 s, … 5 min, and from the start again after
 * 10 minutes without trouble. Times are wall clock milliseconds, as the runtime reports them; as that clock may be set, no
 * delay is longer on the monotonic one either.
 */
export class RestartBackOff {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** How long `name`, which ended at `endedAtMs`, must still wait; 0 when it may start now. */
  remainingMs(name: string, endedAtMs: number, nowMs: number): number {
    const entry = this.#entries.get(name);
    if (!entry || endedAtMs - entry.updatedAtMs > FORGIVEN_AFTER_MS) return 0;
    const monotonicMs = this.#clock.monotonicMs();
    if (entry.waited?.endedAtMs !== endedAtMs) entry.waited = { endedAtMs, sinceMs: monotonicMs };
    // A clock that was set back must not prolong the delay, however often it is asked for.
    const untilMs = Math.min(endedAtMs - nowMs, entry.waited.sinceMs - monotonicMs) + entry.delayMs;
    return Math.max(0, untilMs);
  }

  /** The delay in force, for the message; 0 when there is none. */
  delayMs(name: string): number {
    return this.#entries.get(name)?.delayMs ?? 0;
  }

  /** `name`, which ended at `endedAtMs`, is started again now. */
  restarted(name: string, endedAtMs: number, nowMs: number): void {
    const entry = this.#entries.get(name);
    if (!entry || endedAtMs - entry.updatedAtMs > FORGIVEN_AFTER_MS) {
      this.#entries.set(name, { delayMs: FIRST_DELAY_MS, updatedAtMs: nowMs, waited: undefined });
      return;
    }
    entry.delayMs = Math.min(LONGEST_DELAY_MS, entry.delayMs * 2);
    entry.updatedAtMs = nowMs;
  }
}
