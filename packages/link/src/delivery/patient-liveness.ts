import type { LivenessVerdict } from "./liveness.ts";
import type { PeerLiveness } from "./session-delivery.ts";

/** A check that comes so much later than it was due tells that this process stood still, not its peer. */
const LATE_CHECK_MS = 1_000;
/** Time for what came meanwhile to be read. */
const GRACE_MS = 2_000;

/**
 * Does not take a peer for dead because this process was late itself (a burst of work, a slow disk, a machine that
 * slept): timers fire before sockets are read, so the answer to a ping may lie unread when its time is up. The verdict
 * is put off, again for as long as the check keeps coming late; a ping that is due goes out all the same. Pure.
 */
export class PatientLiveness implements PeerLiveness {
  readonly #liveness: PeerLiveness;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(liveness: PeerLiveness) {
    this.#liveness = liveness;
  }

  sent(nowMs: number): void {
    this.#liveness.sent(nowMs);
  }

  received(nowMs: number): void {
    this.#liveness.received(nowMs);
  }

  alive(nowMs: number): void {
    this.#liveness.alive(nowMs);
  }

  suspend(suspended: boolean, nowMs: number): void {
    this.#liveness.suspend(suspended, nowMs);
  }

  get nextCheckAtMs(): number | undefined {
    const dueMs = this.#liveness.nextCheckAtMs;
    return dueMs === undefined ? undefined : Math.max(dueMs, this.#notBeforeMs);
  }

  check(nowMs: number): LivenessVerdict {
    const dueMs = this.nextCheckAtMs;
    if (dueMs === undefined || nowMs < dueMs) return { kind: "fine" };
    const verdict = this.#liveness.check(nowMs);
    if (verdict.kind !== "dead" || nowMs < dueMs + LATE_CHECK_MS) return verdict;
    this.#notBeforeMs = nowMs + GRACE_MS;
    return { kind: "fine" };
  }
}
